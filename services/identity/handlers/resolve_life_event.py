"""The persons of events become handles, cases and what may be derived of them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from services.identity.domain.access_line import AccessLine
from services.identity.domain.child_case import Cases
from services.identity.domain.entries import Entries
from services.identity.domain.errors import (
    EventTypeUnknown,
    FenceAlone,
    FenceOutstanding,
    FieldInvalid,
    IdentityError,
)
from services.identity.domain.event_type import EventType
from services.identity.domain.identifier import Fingerprints
from services.identity.domain.life_event import LifeEvent
from services.identity.domain.resolution import Profile, Resolution, resolved_person
from services.identity.handlers.asked import Asked
from services.identity.handlers.fencing import Fencing
from services.identity.handlers.silence import flags_of, silence
from services.identity.ports import NewId, News, Opened, Store, Transaction

FENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Resolved:
    """The answer, and what is worth counting about how it came to be."""

    resolution: Resolution = field(repr=False)
    repeated: bool = False
    matched: int = 0
    minted: int = 0
    conflicts: int = 0


@dataclass(frozen=True)
class Resolver:
    """What events are resolved with; one event and many go the same way."""

    event_types: Mapping[str, EventType]
    store: Store
    fingerprints: Fingerprints
    new_id: NewId


async def resolve_life_event(
    event: LifeEvent, resolver: Resolver, fencing: Fencing, now: datetime
) -> Resolved:
    """Answer who the persons of an event are; the same event is always answered the same.

    Raises EventTypeUnknown and FieldInvalid; and FenceOutstanding while a flag that the event puts
    up does not hold everywhere: the flag stands, and the event may be sent again.
    """
    [resolved] = await _resolve([event], resolver, now)
    if isinstance(resolved, IdentityError):
        raise resolved
    fenced = resolved.resolution.fenced
    outstanding = sum(
        await asyncio.gather(*(fencing.hold(handle, FENCE_SECONDS) for handle in fenced))
    )
    if outstanding:
        raise FenceOutstanding(outstanding)
    return resolved


async def resolve_life_events(
    events: Sequence[LifeEvent], resolver: Resolver, now: datetime
) -> list[Resolved | IdentityError]:
    """The same for many, none of them twice: each is answered as if they came one by one.

    What would be raised for one event stands in its place; a type that fences is FenceAlone.
    """
    fencing = {name for name, each in resolver.event_types.items() if each.fence is not None}
    alone = {index for index, event in enumerate(events) if event.type in fencing}
    together = [event for index, event in enumerate(events) if index not in alone]
    answers = iter(await _resolve(together, resolver, now))
    return [FenceAlone() if index in alone else next(answers) for index in range(len(events))]


async def _resolve(
    events: Sequence[LifeEvent], resolver: Resolver, now: datetime
) -> list[Resolved | IdentityError]:
    answers: dict[str, Resolved | IdentityError] = {}
    asked: list[Asked] = []
    for event in events:
        try:
            event_type = resolver.event_types.get(event.type)
            if event_type is None:
                raise EventTypeUnknown
            event_type.check(event)
        except IdentityError as refused:
            answers[event.event_id] = refused
        else:
            asked.append(Asked(event, event_type, resolver.fingerprints))
    if asked:
        async with resolver.store.transaction() as tx:
            answers |= await _Resolving(asked, tx, resolver.new_id, now).answers()
    return [answers[event.event_id] for event in events]


class _Resolving:
    """The events of one call in their transaction."""

    def __init__(
        self, asked: Sequence[Asked], tx: Transaction, new_id: NewId, now: datetime
    ) -> None:
        self._asked = asked
        self._tx = tx
        self._new_id = new_id
        self._now = now
        self._answers: dict[str, Resolved | IdentityError] = {}
        self._known: dict[bytes, str] = {}
        self._entries = Entries()
        self._cases = Cases()
        self._doubtful: set[str] = set()
        self._lines: list[AccessLine] = []
        # Behind everything that has a position already.
        self._arrivals = count(2**62)

    async def answers(self) -> dict[str, Resolved | IdentityError]:
        """By event id, the answer of before or a new one that is kept.

        They are worked off in rounds: what shares a person, a case or another event with one that
        came before it waits until that one's traces can be seen.
        """
        digests = [digest for each in self._asked for digest in each.digests]
        opened = await self._tx.events.open([each.event for each in self._asked], digests)
        self._known, self._entries = dict(opened.known), Entries(opened.statements)
        waiting = self._new(opened)
        self._cases = await self._open_cases(waiting)
        while waiting:
            waiting = await self._round(waiting)
        await self._tx.access.add(self._lines)
        return self._answers

    def _new(self, opened: Opened) -> list[Asked]:
        """The events that were never answered before."""
        self._answers |= {
            event_id: Resolved(answer, repeated=True) for event_id, answer in opened.answers.items()
        }
        return [each for each in self._asked if each.event.event_id not in opened.answers]

    async def _open_cases(self, asked: Sequence[Asked]) -> Cases:
        """Looked for also where nobody is known: the time an answer takes must not tell."""
        about = [each for each in asked if each.type.case or each.type.fence]
        if not about:
            return Cases()
        handles = {handle for each in about for handle in each.known_handles(self._known)}
        case_ids = {self._case_before(each) for each in about} - {""}
        return Cases(await self._tx.events.cases(sorted(handles), sorted(case_ids)))

    def _case_before(self, asked: Asked) -> str:
        """The case of what was said of the same entry first."""
        return next((e.case_id for e in self._entries.said(asked.event) if e.case_id), "")

    async def _round(self, waiting: Sequence[Asked]) -> list[Asked]:
        """Answer all that share nothing; the rest, in order."""
        ready: list[Asked] = []
        later: list[Asked] = []
        taken: set[str | bytes] = set()
        for each in waiting:
            keys = each.keys(self._known, self._entries)
            apart = taken.isdisjoint(keys)
            if apart and self._is_refused(each):
                continue
            if apart:
                each.know(self._known, self._cases, self._case_before(each), self._new_id)
                # A child whom no identifier names is known only once its case is found.
                apart = taken.isdisjoint(each.found)
                keys |= each.found
            taken |= keys
            (ready if apart else later).append(each)
        if ready:
            await self._answer(ready)
        return later

    def _is_refused(self, asked: Asked) -> bool:
        refused = self._entries.is_anothers(asked.event)
        if refused:
            wrong = FieldInvalid("supersedes", "supersedes_another")
            self._answers[asked.event.event_id] = wrong
        return refused

    async def _answer(self, ready: Sequence[Asked]) -> None:
        """What the events leave behind, and the answers; nobody is read before all is written."""
        await self._write_down(ready)
        fenced = await self._silence(ready)
        profiles = await self._profiles(ready)
        answers = []
        for each in ready:
            persons = tuple(
                resolved_person(
                    named.person, named.handle, profiles[named.handle], each.type, self._now.date()
                )
                for named in each.concerned
            )
            told = (same for named in each.concerned for same in profiles[named.handle].same_fact)
            said = each.placed.repeating(told)
            self._entries.put(said)
            event_id = said.event_id
            answer = Resolution(
                persons, said.case_id, fenced.get(event_id, ()), said.root_event_id, said.standing
            )
            answers.append((said, answer))
            self._lines += each.lines(persons, self._now)
            self._answers[event_id] = Resolved(
                answer,
                matched=len(each.named) - len(each.minted),
                minted=len(each.minted),
                conflicts=each.conflicts,
            )
        await self._tx.events.answer(answers, self._now)
        await self._tx.events.doubt(sorted(self._doubtful), self._now)

    async def _write_down(self, ready: Sequence[Asked]) -> None:
        for each in ready:
            self._known |= each.bound()
            each.place(self._entries, next(self._arrivals))
            for statement in each.placed.joined:
                self._entries.put(statement)
        cases = [each.case for each in ready if each.case is not None and each.case_is_news]
        for case in cases:
            self._cases.put(case)
        minted = [row for each in ready for row in each.minted]
        told = [each.told for each in ready if each.event.reason.states_a_fact]
        await self._tx.events.write_down(News(minted, cases, told), self._now)

    async def _silence(self, ready: Sequence[Asked]) -> dict[str, tuple[str, ...]]:
        """By event id, who is silent because of it; all take their place in their entries."""
        fenced: dict[str, tuple[str, ...]] = {}
        quiet = []
        for each in ready:
            flags = flags_of(each, self._cases)
            is_lost = each.case is not None and bool(each.case.lost_by)
            if flags or is_lost or each.type.fence is not None:
                silent = await silence(self._tx, each, flags, self._now)
                fenced[each.event.event_id] = silent if each.type.fence is not None else ()
                self._doubt(flag.event_id for flag in flags)
            else:
                quiet.append(each.placed)
        await self._tx.events.place(quiet)
        return fenced

    def _doubt(self, event_ids: Iterable[str]) -> None:
        """Note the losses that may be about more than one child."""
        for event_id in event_ids:
            if len(self._cases.lost_by(event_id)) > 1:
                self._doubtful.add(event_id)

    async def _profiles(self, ready: Sequence[Asked]) -> dict[str, Profile]:
        asking = [person for each in ready for person in each.asking]
        derived = {name for each in ready for name in each.type.derived_record}
        return await self._tx.subjects.profiles(asking, ["birth_date", *sorted(derived)])
