"""What the corpus's requests carry, as bytes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.builders import an_event_body

ENTRIES = sorted((Path(__file__).parent / "http").glob("*.yaml"))


def entries() -> list[dict[str, Any]]:
    """Every entry, by file."""
    return [YAML(typ="safe").load(path) for path in ENTRIES]


def content(request: dict[str, Any], entry_id: str) -> bytes | None:
    """The body of a request, None where it has none."""
    if "hex" in request:
        return bytes.fromhex(request["hex"])
    if "text" in request:
        text: str = request["text"] * request.get("times", 1)
        return text.encode("utf-8", "surrogatepass")
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
