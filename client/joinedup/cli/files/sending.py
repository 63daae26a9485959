"""Sending a file's entries to the platform, each as the publisher whose event it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from joinedup.cli.files.answered import Answered
from joinedup.cli.files.entry import Entry
from joinedup.cli.home import Home, Problem
from joinedup.client import AsyncPublisher, Result
from joinedup.client.errors import Refused, Unavailable


class Sender(Protocol):
    """What becomes of entries; raises Refused when the caller is not accepted at all."""

    async def send(self, entries: Sequence[Entry]) -> list[Answered]:
        """One answer for each entry, in order."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


class Publishers:
    """Finds out whose an event is; `given` is whose all of them are."""

    def __init__(self, home: Home, given: str) -> None:
        self._home = home
        self._given = given
        self._found: dict[tuple[str, str], str] = {}

    def of(self, entry: Entry) -> str:
        """The publisher of an entry; raises Problem when that is unclear."""
        if self._given:
            return self._given
        said = (str(entry.about.get("source")), str(entry.about.get("type")))
        if said not in self._found:
            self._found[said] = self._home.publisher_for(entry.about)
        return self._found[said]


class ToPlatform:
    """Publishes over HTTP, with the keys of a home."""

    def __init__(self, home: Home, publisher: str, patience_seconds: float) -> None:
        """Raises Problem where no platform runs, or the publisher that is named has no key here."""
        self._home = home
        self._url = home.endpoints()["events_http"]
        self._patience = patience_seconds
        self._publishers = Publishers(home, publisher)
        self._callers: dict[str, AsyncPublisher] = {}
        if publisher:
            home.publisher_key(publisher)

    async def send(self, entries: Sequence[Entry]) -> list[Answered]:
        """Publish entries, those of one publisher together."""
        answered: dict[int, Answered] = {}
        mine: dict[str, list[int]] = {}
        for index, entry in enumerate(entries):
            try:
                if entry.fault is not None:
                    answered[index] = Answered(entry, "", entry.fault)
                else:
                    mine.setdefault(self._publishers.of(entry), []).append(index)
            except Problem as unclear:
                answered[index] = Answered(entry, "", unclear)
        for publisher, indexes in mine.items():
            results = await self._publish(publisher, [entries[each].body for each in indexes])
            for index, result in zip(indexes, results, strict=True):
                answered[index] = Answered(entries[index], publisher, result)
        return [answered[index] for index in range(len(entries))]

    async def close(self) -> None:
        """Close the connections."""
        for caller in self._callers.values():
            await caller.close()

    async def _publish(self, publisher: str, bodies: list[bytes]) -> list[Result]:
        caller = self._caller(publisher)
        if len(bodies) > 1:
            return [each async for each in caller.publish_many(bodies)]
        try:
            return [await caller.publish(bodies[0])]
        except (Refused, Unavailable) as failed:
            return [failed]

    def _caller(self, publisher: str) -> AsyncPublisher:
        if publisher not in self._callers:
            key = self._home.publisher_key(publisher)
            self._callers[publisher] = AsyncPublisher(
                publisher, key=key, url=self._url, patience_seconds=self._patience
            )
        return self._callers[publisher]
