"""How the rows of a CSV file become events: a YAML file that names columns and places."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from joinedup.cli.files.conversions import NAMES, Convert, NotConvertible, converter
from joinedup.cli.files.target import NoTarget, Target, read_target
from joinedup.cli.home import Problem
from joinedup.client.errors import Fault, Refused
from services.kit.catalogue import CatalogueInvalid, Document, load_file
from services.kit.schema_check import Schema, pointer

SCHEMA_FILE: Final = Path(__file__).with_name("mapping.schema.json")
REFUSED_COLUMNS: Final = ("refused_code", "refused_detail")


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    place: int
    convert: Convert
    targets: tuple[Target, ...]


class Rows:
    """Makes the events of rows whose columns stand as a header says."""

    def __init__(self, mapping: Mapping[str, Any], header: Sequence[str]) -> None:
        places = {name: place for place, name in enumerate(header)}
        self._mapping = mapping
        self._constants = [
            (read_target(each), value) for each, value in mapping.get("constants", {}).items()
        ]
        self._columns = [
            _Column(name, places[name], converter(each), tuple(map(read_target, _list(each["to"]))))
            for name, each in mapping["columns"].items()
        ]
        self._id = [(name, places[name]) for name in mapping["id"]["columns"]]

    def event(
        self, fields: Sequence[str], came_from: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """The event of a row; raises Refused with every column that does not fit.

        `came_from` is filled with the column of each place, by JSON pointer.
        """
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": "",
            "source": self._mapping["source"],
            "type": self._mapping["type"],
            "datacontenttype": "application/json",
        }
        faults = [*self._put_id(event, fields)]
        for column in self._columns:
            text = fields[column.place].strip()
            if not text:
                continue
            try:
                value = column.convert(text)
            except NotConvertible as wrong:
                where = pointer(column.targets[0].put(event, None))
                faults.append(Fault(where, wrong.code, f"column {column.name}: {wrong.detail}"))
                continue
            for target in column.targets:
                path = target.put(event, value)
                if came_from is not None:
                    came_from[pointer(path)] = column.name
        for target, value in self._constants:
            target.put(event, value, create=False)
        if faults:
            codes = {each.code for each in faults}
            code = codes.pop() if len(codes) == 1 else "event_invalid"
            raise Refused(code, "The row does not fit its mapping.", errors=tuple(faults))
        return event

    def _put_id(self, event: dict[str, Any], fields: Sequence[str]) -> Iterator[Fault]:
        told = self._mapping["id"]
        parts = [fields[place].strip() for _, place in self._id]
        event["id"] = told.get("prefix", "") + told.get("between", "-").join(parts)
        for (name, _), part in zip(self._id, parts, strict=True):
            if not part:
                yield Fault("/id", "field_required", f"column {name}: makes the id, and is empty")


class FileMapping:
    """A mapping that is good in itself."""

    def __init__(self, document: Document) -> None:
        self._told: Mapping[str, Any] = document.data

    def rows(self, place: str, header: Sequence[str]) -> Rows:
        """The mapping of rows below a header at a place; raises Problem where they do not fit.

        A name in the header that is not the mapping's own is not shown: without a header, it
        would be somebody's data.
        """
        told = self._told
        known = {
            *told["columns"],
            *told["id"]["columns"],
            *told.get("ignore", ()),
            *REFUSED_COLUMNS,
        }
        needed = [*dict.fromkeys((*told["columns"], *told["id"]["columns"]))]
        fix = "mend the header, or the mapping; the header is the file's first line"
        if len(set(header)) < len(header):
            raise Problem("column_twice", f"{place}: two columns have the same name", fix)
        if missing := [name for name in needed if name not in header]:
            raise Problem("column_missing", f"{place}: no column {', '.join(missing)}", fix)
        strange = [str(i) for i, name in enumerate(header, start=1) if name not in known]
        if strange:
            detail = f"{place}: the mapping has nothing on column {', '.join(strange)} of the file"
            raise Problem("column_unknown", detail, "map it, or name it under `ignore`")
        return Rows(told, header)


def load_mapping(path: Path) -> FileMapping:
    """The mapping in a file; raises CatalogueInvalid with every problem, by line and column."""
    document = load_file(path, _schema())
    if problems := [
        document.problem(where, code, f"{where} {text}") for where, code, text in _wrong(document)
    ]:
        raise CatalogueInvalid(problems)
    return FileMapping(document)


@cache
def _schema() -> Schema:
    return Schema(json.loads(SCHEMA_FILE.read_bytes()))


def _wrong(document: Document) -> Iterator[tuple[str, str, str]]:
    """What a schema cannot say: (pointer, code, sentence)."""
    told = document.data
    taken: list[tuple[Target, str]] = []
    for where, text in _targets(told):
        try:
            target = read_target(text)
        except NoTarget as wrong:
            yield where, "target_invalid", str(wrong)
            continue
        if any(target.collides(other) for other, _ in taken):
            yield where, "target_twice", "stands in the way of another target"
        taken.append((target, text))
    if not any(text == "time" for _, text in taken):
        yield "/columns", "time_missing", "give the event no time: one column must go to time"
    for name, each in told["columns"].items():
        where = pointer(("columns", name))
        if sum(each_name in each for each_name in NAMES) > 1:
            yield where, "conversions", f"has more than one of {', '.join(NAMES)}"
        if "zone" in each and not _zone_exists(each["zone"]):
            yield f"{where}/zone", "zone_unknown", "is no time zone"


def _targets(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, each in told["columns"].items():
        for text in _list(each["to"]):
            yield pointer(("columns", name, "to")), text
    for text in told.get("constants", {}):
        yield pointer(("constants", text)), text


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _list(one_or_more: Any) -> list[str]:
    return [one_or_more] if isinstance(one_or_more, str) else list(one_or_more)
