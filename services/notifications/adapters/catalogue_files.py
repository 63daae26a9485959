"""The catalogue's files, as far as a prompt's words need them; read again when they change."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from services.kit.catalogue import Catalogue, Document
from services.notifications.domain.nudge import Bilingual, Names, bilingual

_PARTS: Final = {
    "nudges": "nudge.schema.json",
    "agreements": "agreement.schema.json",
    "publishers": "publisher.schema.json",
    "events": "event-type.schema.json",
}
Part = Catalogue[list[dict[str, Any]]]


class CatalogueFiles:
    """The port Texts, over a catalogue directory; raises CatalogueInvalid when made of a bad one.

    `tell` is called with every nudge's document whenever a nudge's file has changed for good.
    """

    def __init__(self, directory: Path) -> None:
        self._parts: dict[str, Part] = {
            part: Catalogue(directory / part, directory / "schema" / schema, _data)
            for part, schema in _PARTS.items()
        }
        self._names = self._name()

    @property
    def names(self) -> Names:
        """What things are called."""
        return self._names

    @property
    def nudges(self) -> Sequence[Mapping[str, Any]]:
        """The documents of all nudges in force."""
        return self._parts["nudges"].current

    async def watch(self, stop: asyncio.Event, nudges_changed: Callable[[], None]) -> None:
        """Read again what changes, until stopped; what was last good stays in force."""

        def changed(_problems: Any) -> None:
            self._names = self._name()
            nudges_changed()

        async with asyncio.TaskGroup() as tasks:
            for part in self._parts.values():
                tasks.create_task(part.watch(stop, changed))

    def _name(self) -> Names:
        agreements = self._parts["agreements"].current
        events = self._parts["events"].current
        publishers = self._parts["publishers"].current
        departments = {each["id"]: bilingual(each["name"]) for each in publishers}
        for agreement in agreements:
            for controller in agreement["controllers"]:
                departments[controller["id"]] = bilingual(controller["name"])
        return Names(
            departments=departments,
            purposes={each["purpose"]: bilingual(each["name"]) for each in agreements},
            event_types={each["type"]: bilingual(each["title"]) for each in events},
            facts={
                (each["type"], f"facts.{name}"): label
                for each in events
                for name, schema in each["facts"].get("properties", {}).items()
                if (label := _label(schema)) is not None
            },
        )


def _data(documents: list[Document]) -> list[dict[str, Any]]:
    return [document.data for document in documents]


def _label(schema: Any) -> Bilingual | None:
    """A fact's bilingual title, where its schema has one."""
    title = schema.get("x-title") if isinstance(schema, dict) else None
    return bilingual(title) if isinstance(title, dict) and {"en", "cy"} <= title.keys() else None
