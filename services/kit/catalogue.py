"""Folders of YAML under a schema: loaded whole, watched, and never replaced by something broken."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from watchfiles import awatch

from services.kit.schema_check import Schema
from services.kit.telemetry import log
from services.kit.yaml_file import CatalogueInvalid, Document, Problem, read_yaml

__all__ = ["Catalogue", "CatalogueInvalid", "Document", "Problem", "load_file"]

REVISION_LENGTH: Final = 12
# How late a change is seen that the file system told nobody of.
LOOK_AGAIN_MS: Final = 1000

# What tells one state of files from another without reading them.
_Traces = frozenset[tuple[str, int, int, int]]

T = TypeVar("T")


def load_file(path: Path, schema: Mapping[str, Any] | Schema) -> Document:
    """A file that fits its schema; raises CatalogueInvalid with every problem found."""
    checked = schema if isinstance(schema, Schema) else Schema(schema)
    document = read_yaml(path)
    problems = [
        document.problem(each.pointer, each.code, f"{each.pointer or 'the file'} {each.text}")
        for each in checked.problems(document.data)
    ]
    if problems:
        raise CatalogueInvalid(problems)
    return document


class Catalogue(Generic[T]):
    """A folder's documents built into a model; what was last good stays in force."""

    def __init__(
        self, directory: Path, schema_file: Path, build: Callable[[list[Document]], T]
    ) -> None:
        """Load at once; raises CatalogueInvalid when there is nothing good to begin with.

        `build` makes the model, and raises CatalogueInvalid for what a schema cannot say.
        """
        self._directory = directory
        self._schema_file = schema_file
        self._build = build
        self._read: _Traces = frozenset()
        self._current, self._revision = self._load()

    @property
    def current(self) -> T:
        """The model in force."""
        return self._current

    @property
    def revision(self) -> str:
        """A short digest of the files the model in force was built from."""
        return self._revision

    def reload(self) -> list[Problem]:
        """Load again; the problems found, none of which touched what is in force."""
        try:
            self._current, self._revision = self._load()
        except CatalogueInvalid as invalid:
            return invalid.problems
        return []

    async def watch(self, stop: asyncio.Event, on_change: Callable[[list[Problem]], None]) -> None:
        """Reload whenever a file changes, then tell the problems found; until stopped.

        What changed before this began counts too, and so does what the file system does not tell.
        """
        changes = awatch(
            self._directory,
            self._schema_file,
            stop_event=stop,
            debounce=200,
            force_polling=False,
            rust_timeout=LOOK_AGAIN_MS,
            yield_on_timeout=True,
        )
        async for changed in changes:
            if not changed and await asyncio.to_thread(self._traces) == self._read:
                continue
            before = self._revision
            problems = await asyncio.to_thread(self.reload)
            if problems:
                log(__name__).warning("catalogue refused", extra={"problems": len(problems)})
            elif self._revision != before:
                log(__name__).info("catalogue reloaded", extra={"revision": self._revision})
            on_change(problems)

    def _traces(self) -> _Traces:
        found = set()
        for path in (*self._files(), self._schema_file):
            # One that is taken away at this moment is told by its absence.
            with suppress(OSError):
                at = path.stat()
                found.add((str(path), at.st_ino, at.st_size, at.st_mtime_ns))
        return frozenset(found)

    def _files(self) -> list[Path]:
        return sorted(self._directory.rglob("*.yaml"))

    def _load(self) -> tuple[T, str]:
        # Looked at before they are read: what changes meanwhile is read again.
        self._read = self._traces()
        digest = hashlib.sha256(self._schema_file.read_bytes())
        schema = Schema(json.loads(self._schema_file.read_bytes()))
        documents: list[Document] = []
        problems: list[Problem] = []
        for path in self._files():
            try:
                documents.append(load_file(path, schema))
                digest.update(f"{path.relative_to(self._directory)}\0".encode())
                digest.update(path.read_bytes())
            except CatalogueInvalid as invalid:
                problems.extend(invalid.problems)
        if problems:
            raise CatalogueInvalid(problems)
        return self._build(documents), digest.hexdigest()[:REVISION_LENGTH]
