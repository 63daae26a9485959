"""The catalogue's folders as the register in force: types, prohibitions, publishers."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.events.adapters.type_schema import TypeSchema
from services.events.domain.event_type import (
    EventType,
    Prohibition,
    contradictions,
    is_prohibited,
    read_event_type,
    read_prohibition,
)
from services.events.domain.faults import Fault
from services.events.domain.publisher import Publisher, read_publisher
from services.events.domain.publisher import contradictions as publisher_contradictions
from services.kit.catalogue import Catalogue, CatalogueInvalid, Document, Problem


@dataclass(frozen=True)
class _Loaded:
    """A type with everything that answers questions about it; `fiction` takes unissued numbers."""

    event_type: EventType
    schema: TypeSchema
    fiction: TypeSchema
    examples: tuple[Mapping[str, Any], ...]


class CatalogueFiles:
    """Three watched folders; whatever is broken leaves what was last good in force."""

    def __init__(self, catalogue_dir: Path, examples_dir: Path, *, fictitious: bool) -> None:
        """Load; raises CatalogueInvalid. `fictitious` lets never-issued numbers through."""
        schemas = catalogue_dir / "schema"
        self._examples_dir = examples_dir
        self._fictitious = fictitious
        self._prohibitions = Catalogue(
            catalogue_dir / "prohibited", schemas / "prohibited-type.schema.json", _prohibitions
        )
        self._types = Catalogue(
            catalogue_dir / "events", schemas / "event-type.schema.json", self._loaded
        )
        self._publishers = Catalogue(
            catalogue_dir / "publishers", schemas / "publisher.schema.json", _publishers
        )

    def publisher(self, id: str) -> Publisher | None:  # noqa: A002  # the port's word
        """The publisher of that id."""
        return self._publishers.current.get(id)

    def event_type(self, name: str) -> EventType | None:
        """The type of that name."""
        loaded = self._types.current.get(name)
        return loaded.event_type if loaded else None

    def event_types(self) -> Sequence[EventType]:
        """Every type, by name."""
        return [loaded.event_type for _, loaded in sorted(self._types.current.items())]

    def is_prohibited(self, type_name: str) -> bool:
        """Whether events of that name may never be published."""
        return is_prohibited(type_name, self._prohibitions.current)

    def faults(
        self, event_type: EventType, body: Mapping[str, Any], *, sandbox: bool = False
    ) -> list[Fault]:
        """Where a body breaks the schema of its type, as it is in force now.

        In a sandbox people have numbers that are never issued, wherever it stands.
        """
        loaded = self._types.current.get(event_type.name)
        if loaded is None:
            return []
        return (loaded.fiction if sandbox else loaded.schema).faults(body)

    def schema(self, event_type: EventType) -> Mapping[str, Any]:
        """The JSON Schema that bodies of a type are held to."""
        return self._types.current[event_type.name].schema.schema

    def examples(self, event_type: EventType) -> Sequence[Mapping[str, Any]]:
        """The golden events of a type."""
        return self._types.current[event_type.name].examples

    @property
    def revision(self) -> str:
        """A short word that changes with every change of types or publishers."""
        return f"{self._types.revision}-{self._publishers.revision}"

    async def watch(self, stop: asyncio.Event, on_change: Callable[[list[Problem]], None]) -> None:
        """Bring changed files into force as they are saved, and tell what keeps them from it."""
        async with asyncio.TaskGroup() as watching:
            for each in (self._prohibitions, self._types, self._publishers):
                watching.create_task(each.watch(stop, on_change))

    def _loaded(self, documents: list[Document]) -> dict[str, _Loaded]:
        found: dict[str, _Loaded] = {}
        problems: list[Problem] = []
        for document in documents:
            wrong = [
                document.problem(pointer, code, f"{pointer} {text}")
                for pointer, code, text in contradictions(document.data, self._prohibitions.current)
            ]
            if document.data["type"] in found:
                wrong.append(document.problem("/type", "duplicate_id", "the type stands twice"))
            if not wrong:
                loaded = self._load(document)
                wrong += self._broken_examples(document, loaded)
                found[loaded.event_type.name] = loaded
            problems += wrong
        if problems:
            raise CatalogueInvalid(problems)
        return found

    def _load(self, document: Document) -> _Loaded:
        event_type = read_event_type(document.data)
        try:
            fiction = TypeSchema(event_type, fictitious=True)
            schema = fiction if self._fictitious else TypeSchema(event_type, fictitious=False)
        except ValueError:
            problem = document.problem("/facts", "schema_invalid", "/facts is no JSON Schema")
            raise CatalogueInvalid([problem]) from None
        examples = [
            _read_example(document, self._examples_dir, each) for each in event_type.examples
        ]
        return _Loaded(event_type, schema, fiction, tuple(examples))

    def _broken_examples(self, document: Document, loaded: _Loaded) -> Iterable[Problem]:
        # Golden events show never-issued numbers, also where those are refused.
        for index, example in enumerate(loaded.examples):
            for fault in loaded.fiction.faults(example):
                text = f"/examples/{index} breaks its own type: {fault.pointer} {fault.detail}"
                yield document.problem(f"/examples/{index}", "example_invalid", text)


def _read_example(document: Document, folder: Path, name: str) -> Mapping[str, Any]:
    try:
        example = json.loads((folder / name).read_bytes())
    except (OSError, ValueError):
        problem = document.problem("/examples", "example_unreadable", f"{name} is no JSON file")
        raise CatalogueInvalid([problem]) from None
    return example if isinstance(example, dict) else {}


def _prohibitions(documents: list[Document]) -> tuple[Prohibition, ...]:
    return tuple(read_prohibition(document.data) for document in documents)


def _publishers(documents: list[Document]) -> dict[str, Publisher]:
    found: dict[str, Publisher] = {}
    problems: list[Problem] = []
    for document in documents:
        wrong = [
            document.problem(pointer, code, f"{pointer} {text}")
            for pointer, code, text in publisher_contradictions(document.data)
        ]
        if document.data["id"] in found:
            wrong.append(document.problem("/id", "duplicate_id", "the publisher stands twice"))
        if not wrong:
            publisher = read_publisher(document.data)
            wrong += _shared_keys(document, publisher, found.values())
            found[publisher.id] = publisher
        problems += wrong
    if problems:
        raise CatalogueInvalid(problems)
    return found


def _shared_keys(
    document: Document, publisher: Publisher, others: Iterable[Publisher]
) -> Iterable[Problem]:
    taken = {key.file for other in others for key in other.keys}
    for index, key in enumerate(publisher.keys):
        if key.file in taken:
            text = "another publisher has this key: each could speak for the other"
            yield document.problem(f"/keys/{index}/file", "key_shared", text)
