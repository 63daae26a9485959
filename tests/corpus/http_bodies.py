"""What the corpus's requests carry, as bytes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.builders import an_event_body

ENTRIES = sorted((Path(__file__).parent / "http").glob("*.yaml"))
# Requests that no client would send: they are written to the connection as they stand.
RAW_ENTRIES = sorted((Path(__file__).parent / "http_raw").glob("*.yaml"))


def entries() -> list[dict[str, Any]]:
    """Every entry, by file."""
    return [YAML(typ="safe").load(path) for path in ENTRIES]


def content(request: dict[str, Any], entry_id: str) -> bytes | None:
    """The body of a request, None where it has none.

    `items` are the events of a batch, and `data` is what an event in binary mode has as its body.
    """
    if "items" in request:
        items = (content(each, f"{entry_id}-{n}") for n, each in enumerate(request["items"]))
        return b"[" + b",".join(each or b"" for each in items) + b"]"
    if "hex" in request:
        return bytes.fromhex(request["hex"])
    if "text" in request:
        times = request.get("times", 1)
        text: str = request["text"] * times + request.get("then", "") * times
        return text.encode("utf-8", "surrogatepass")
    if "data" in request:
        return json.dumps(_event(request["data"], entry_id)["data"]).encode()
    if "event" in request:
        return json.dumps(_event(request["event"], entry_id)).encode()
    return None


def _event(wanted: dict[str, Any], entry_id: str) -> Any:
    body = copy.deepcopy(an_event_body(wanted.get("example", "birth"), id=f"corpus-{entry_id}"))
    for pointer in wanted.get("remove", ()):
        parent, last = _at(body, pointer)
        del parent[last]
    for pointer, value in wanted.get("set", {}).items():
        parent, last = _at(body, pointer)
        parent[last] = value
    return [body] * wanted["batch"] if "batch" in wanted else body


def _at(body: Any, pointer: str) -> tuple[Any, Any]:
    *way, last = pointer.removeprefix("/").split("/")
    for part in way:
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body, int(last) if isinstance(body, list) else last
