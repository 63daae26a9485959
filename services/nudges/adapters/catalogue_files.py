"""The catalogue in force, from its folders, taken up again whenever a file is saved."""

import asyncio
from pathlib import Path
from typing import Any, Final

from services.kit.catalogue import Catalogue as Folder
from services.kit.catalogue import Problem
from services.kit.telemetry import log
from services.nudges.adapters import catalogue_model
from services.nudges.domain.nudge import Catalogue, Nudge

_SCHEMA_OF: Final = {"events": "event-type", "agreements": "agreement", "nudges": "nudge"}


class CatalogueFiles:
    """Event types, agreements and nudges; what was last good as a whole stays in force."""

    def __init__(self, directory: Path) -> None:
        """Load at once; raises CatalogueInvalid when there is nothing good to begin with."""
        self._types = self._folder(directory, "events", catalogue_model.event_types)
        self._agreed = self._folder(directory, "agreements", catalogue_model.permittable)
        self._nudges: Folder[tuple[Nudge, ...]] = self._folder(
            directory,
            "nudges",
            lambda documents: catalogue_model.nudges(
                documents, self._types.current, self._agreed.current
            ),
        )
        self._in_force = self._build()

    def __call__(self) -> Catalogue:
        """The catalogue in force."""
        return self._in_force

    def reload(self) -> list[Problem]:
        """Read all folders again; the problems found, none of which touched what is in force."""
        problems = [
            problem
            for folder in (self._types, self._agreed, self._nudges)
            for problem in folder.reload()
        ]
        for problem in problems:
            log(__name__).error(
                "catalogue file refused",
                extra={
                    "code": problem.code,
                    "file": f"{problem.file}:{problem.line}:{problem.column}",
                },
            )
        if not problems:
            self._in_force = self._build()
        return problems

    async def watch(self, stop: asyncio.Event) -> None:
        """Take up what is saved, until stopped.

        The three folders are read again together: a nudge may have been refused for want of an
        event type that was saved a moment after it.
        """

        def changed(_problems: list[Problem]) -> None:
            self.reload()

        folders: tuple[Folder[Any], ...] = (self._types, self._agreed, self._nudges)
        await asyncio.gather(*(folder.watch(stop, changed) for folder in folders))

    def _build(self) -> Catalogue:
        corrections = {name: each.corrections for name, each in self._types.current.items()}
        return Catalogue.of(self._nudges.current, corrections, self._nudges.revision)

    @staticmethod
    def _folder(directory: Path, name: str, build: Any) -> Folder[Any]:
        schema = directory / "schema" / f"{_SCHEMA_OF[name]}.schema.json"
        return Folder(directory / name, schema, build)
