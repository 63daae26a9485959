"""`joinedup events check`: what the platform would say of events in files, without sending them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer

from joinedup.cli.home import ROOT, Problem
from joinedup.cli.json_places import Places
from joinedup.cli.output import AsJson, emit, fail, safe, say

if TYPE_CHECKING:
    from services.events.adapters.catalogue_files import CatalogueFiles
    from services.events.domain.errors import Refused

_LINES: Final = frozenset({".jsonl", ".ndjson"})


@dataclass(frozen=True, slots=True)
class Item:
    """What should be an event: the line of its file where it begins, and its text."""

    line: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, at a line of the file."""

    line: int
    pointer: str
    code: str
    detail: str


def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="JSON (an event, or a list) or JSON lines; - is stdin."
        ),
    ],
    *,
    publisher: Annotated[
        str,
        typer.Option(
            metavar="ID", help="Who would send them; found from source and type if left out."
        ),
    ] = "",
    production: Annotated[
        bool,
        typer.Option(
            "--production", help="Refuse numbers that are never issued, as production does."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with events in files, all of it, without sending anything.

    The rules are those of the platform's door, from the catalogue here: size, strict JSON, who may
    publish what, the type's schema, dates and times. Each fault is told with file and line, the
    pointer into the event, a code for programs and what is expected there.

    What only a platform can say is not checked: the token, whether an id was used before, and
    whether the event that `supersedes` names is there.

    **Example**: `joinedup events check demo/examples/birth.json`
    """
    for path in files:
        if str(path) != "-" and not path.is_file():
            raise typer.BadParameter(f"there is no file {path}", param_hint="FILE")
    try:
        checking = Checking(register(fictitious=not production), publisher, datetime.now(UTC))
    except Problem as problem:
        raise fail(problem, as_json=as_json) from problem
    if not _check(checking, files, as_json=as_json):
        raise typer.Exit(1)


def register(*, fictitious: bool = True) -> CatalogueFiles:
    """The catalogue of this repository; raises Problem when it is not there or not valid."""
    from services.events.adapters.catalogue_files import CatalogueFiles
    from services.kit.catalogue import CatalogueInvalid

    try:
        return CatalogueFiles(
            ROOT / "catalogue", ROOT / "protos" / "examples", fictitious=fictitious
        )
    except FileNotFoundError:
        raise Problem(
            "catalogue_missing",
            f"there is no catalogue in {ROOT}",
            "run this from a copy of the repository, or start a platform with `make up`",
        ) from None
    except CatalogueInvalid as invalid:
        raise Problem("catalogue_invalid", str(invalid), "mend the files that it names") from None


def items(stream: BinaryIO, *, lines: bool = False) -> Iterator[Item | tuple[Item, Refused]]:
    """The events of a file, none of them read yet; a list that is none comes with its refusal.

    A file of JSON lines is read line by line, whatever its size; it is one if its name says so
    (`lines`), or its first line is an object by itself.
    """
    from services.events.domain import strict_json
    from services.events.domain.errors import Refused

    numbered = ((number, line) for number, line in enumerate(stream, start=1) if line.strip())
    number, first = next(numbered, (1, b""))
    if lines or _is_object(first):
        yield Item(number, first.strip())
        yield from (Item(other, line.strip()) for other, line in numbered)
        return
    whole = first + stream.read()
    if not first.lstrip().startswith(b"["):
        yield Item(number, whole)
        return
    try:
        found = strict_json.items(whole, sys.maxsize)
    except Refused as refused:
        yield Item(number, whole), refused
        return
    end = 0
    for body in found:
        at = whole.index(body, end)
        end = at + len(body)
        yield Item(number + whole.count(b"\n", 0, at), body)


class Checking:
    """The door's own judgement, at one moment."""

    def __init__(self, known: CatalogueFiles, publisher: str, now: datetime) -> None:
        ids = sorted(path.stem for path in (ROOT / "catalogue" / "publishers").glob("*.yaml"))
        found = [each for each in map(known.publisher, ids) if each is not None]
        self._publishers = sorted(found, key=lambda each: each.sandbox)
        self._known = known
        self._publisher = publisher
        self._now = now

    def document(self, path: Path, item: Item | tuple[Item, Refused]) -> dict[str, Any]:
        """What is to be said of an event: `error` is None when nothing is wrong with it."""
        from services.events.domain.admission import Submission
        from services.events.domain.errors import Refused
        from services.events.handlers.judge_event import judge_event

        item, broken = item if isinstance(item, tuple) else (item, None)
        told = _read(item.body)
        publisher = self._publisher or self._sender(told)
        judged = broken or judge_event(self._known, Submission(publisher, item.body), self._now)
        named = told.get("id") if isinstance(told, dict) else None
        about = {"file": str(path), "line": item.line, "id": named, "publisher": publisher}
        return {**about, "error": _error(judged, item) if isinstance(judged, Refused) else None}

    def _sender(self, told: object) -> str:
        """Who would send an event: whose source and type it is, else whose type, else anybody."""
        event = told if isinstance(told, dict) else {}
        kind, source = str(event.get("type")), event.get("source")
        able = [each for each in self._publishers if each.may_publish(kind)]
        whose = [each for each in able if isinstance(source, str) and each.speaks_for(source)]
        # A sandbox may send everything: that it may send this one says nothing about who would.
        live = [each for each in able if not each.sandbox]
        return next(each.id for each in (*whose, *live, *self._publishers))


def _check(checking: Checking, files: list[Path], *, as_json: bool) -> bool:
    """Check every event of the files and tell what is wrong with each; whether all are good."""
    good = bad = 0
    for path in files:
        for item in _items(path):
            found = checking.document(path, item)
            good, bad = (good, bad + 1) if found["error"] else (good + 1, bad)
            if as_json:
                emit(found)
            else:
                _tell(path, found["error"])
    if not as_json:
        colour = "red" if bad else "green"
        say(f"[{colour}]{good} good, {bad} not[/{colour}]; nothing was sent")
    return bad == 0


def _error(refused: Refused, item: Item) -> dict[str, Any]:
    from services.events.domain import texts
    from services.events.domain.errors import BodyMalformed, EventInvalid

    line, detail = item.line, texts.REQUEST.get(refused.reason) or texts.REQUEST["event_invalid"]
    if isinstance(refused, BodyMalformed) and refused.offset is not None:
        line += item.body.count(b"\n", 0, refused.offset)
    faults = [Finding(line, "", refused.reason, detail)]
    if isinstance(refused, EventInvalid):
        places = Places(item.body.decode())
        faults = [
            Finding(item.line - 1 + places.line(each.pointer), each.pointer, each.code, each.detail)
            for each in refused.faults
        ]
    return {
        "code": refused.reason,
        "detail": detail,
        "errors": [
            {"line": each.line, "pointer": each.pointer, "code": each.code, "detail": each.detail}
            for each in faults
        ],
    }


def _tell(path: Path, error: dict[str, Any] | None) -> None:
    for each in error["errors"] if error else ():
        place = f"{path}:{each['line']}"
        where = f"{each['pointer']} " if each["pointer"] else ""
        say(f"{safe(place)}: {safe(where)}[red]{each['code']}[/red] {safe(each['detail'])}")


def _items(path: Path) -> Iterator[Item | tuple[Item, Refused]]:
    with ExitStack() as until_read:
        stdin = str(path) == "-"
        stream = sys.stdin.buffer if stdin else until_read.enter_context(path.open("rb"))
        yield from items(stream, lines=path.suffix in _LINES)


def _read(body: bytes) -> object:
    """The value of a text that can be read; None for any other."""
    from services.events.domain import strict_json
    from services.events.domain.errors import Refused

    try:
        return strict_json.read(body)
    except Refused:
        return None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
