"""A place in an event, as a mapping names it: `data.persons[mother].name.given[]`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_STEP: Final = re.compile(r"([a-z][a-z0-9_]*)(?:\[([a-z0-9_-]*)\])?")
# Lists whose entries are told apart by one of their fields.
_KEYED: Final[Mapping[str, str]] = {
    "persons": "role",
    "identifiers": "scheme",
    "other_names": "kind",
}
_VALUE: Final[Mapping[str, str]] = {"identifiers": "value"}

Path = tuple[str | int, ...]


class NoTarget(Exception):
    """A text names no place that an event can have; says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """The steps down to a place: a field's name, and which entry when the field is a list.

    None is no list, the empty text a new entry, any other the entry with that role or scheme.
    """

    steps: tuple[tuple[str, str | None], ...]

    def put(self, event: dict[str, Any], value: Any, *, create: bool = True) -> Path:
        """Put a value in its place; returns the path to it, empty when it was not put.

        Without `create` it is not put into an entry that is not there.
        """
        node, path = event, list[str | int]()
        for place, (name, key) in enumerate(self.steps):
            last = place == len(self.steps) - 1
            path.append(name)
            if key:
                entries = node.get(name, [])
                index = _index(entries, _KEYED[name], key)
                if index == len(entries):
                    if not create:
                        return ()
                    node[name] = [*entries, {_KEYED[name]: key}]
                node = node[name][index]
                path.append(index)
                if last:
                    node[_VALUE[name]] = value
                    path.append(_VALUE[name])
            elif not last:
                node = node.setdefault(name, {})
            elif key is None:
                node[name] = value
            else:
                node.setdefault(name, []).extend(value if isinstance(value, list) else [value])
        return tuple(path)

    def collides(self, other: Target) -> bool:
        """Whether one value would take the place of the other, or of what it is in."""
        if self.steps == other.steps:
            return self.steps[-1][1] != ""
        shared = min(len(self.steps), len(other.steps))
        return [(name, key or None) for name, key in self.steps[:shared]] == [
            (name, key or None) for name, key in other.steps[:shared]
        ]


def read_target(text: str) -> Target:
    """The place that a text of the right form names; raises NoTarget."""
    steps = tuple(_steps(text))
    for place, (name, key) in enumerate(steps):
        last = place == len(steps) - 1
        if key == "" and (not last or name in _KEYED):
            raise NoTarget("[] stands only at the end, and not with what has entries with names")
        if key and name not in _KEYED:
            raise NoTarget(f"only {', '.join(_KEYED)} have entries with names")
        if key is None and name in _KEYED:
            raise NoTarget(f"{name} needs to be told which: {name}[{_KEYED[name]}]")
        if key and last and name not in _VALUE:
            raise NoTarget(f"says nothing of what is put into {name}[{key}]")
        if place and name == _KEYED.get(steps[place - 1][0]):
            raise NoTarget(f"the {name} is in the brackets already")
    return Target(steps)


def _steps(text: str) -> Iterator[tuple[str, str | None]]:
    for each in text.split("."):
        found = _STEP.fullmatch(each)
        if found is None:
            raise NoTarget("is no place in an event")
        yield found[1], found[2]


def _index(entries: list[dict[str, Any]], field: str, key: str) -> int:
    for index, each in enumerate(entries):
        if each[field] == key:
            return index
    return len(entries)
