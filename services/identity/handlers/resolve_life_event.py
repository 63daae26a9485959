"""The persons of one event become handles, a case and what may be derived of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.identity.domain.child_case import Case, Sketch, find_case
from services.identity.domain.errors import EventTypeUnknown, FenceOutstanding, FieldInvalid
from services.identity.domain.event_type import EventType
from services.identity.domain.identifier import Fingerprint, Fingerprints, Match, match
from services.identity.domain.life_event import LifeEvent, Person, Reason
from services.identity.domain.permission import put_flags
from services.identity.domain.resolution import Resolution, ResolvedPerson, resolved_person
from services.identity.handlers.fencing import Fencing
from services.identity.ports import FieldFed, NewId, Opened, Store, SubjectRow, Transaction

FENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Resolved:
    """The answer, and what is worth counting about how it came to be."""

    resolution: Resolution = field(repr=False)
    repeated: bool = False
    matched: int = 0
    minted: int = 0
    conflicts: int = 0
    flags_changed: bool = False


async def resolve_life_event(
    event: LifeEvent,
    *,
    event_types: Mapping[str, EventType],
    store: Store,
    fencing: Fencing,
    fingerprints: Fingerprints,
    new_id: NewId,
    now: datetime,
) -> Resolved:
    """Answer who the persons of an event are; the same event is always answered the same.

    Raises EventTypeUnknown and FieldInvalid; and FenceOutstanding while a flag that the event puts
    up does not hold everywhere: the flag stands, and the event may be sent again.
    """
    event_type = event_types.get(event.type)
    if event_type is None:
        raise EventTypeUnknown
    event_type.check(event)
    async with store.transaction() as tx:
        resolving = _Resolving(
            event, event_type, tx, fingerprints=fingerprints, new_id=new_id, now=now
        )
        resolved = await resolving.answer()
    for handle in resolved.resolution.fenced:
        outstanding = await fencing.hold(handle, FENCE_SECONDS)
        if outstanding:
            raise FenceOutstanding(outstanding)
    return resolved


@dataclass
class _Named:
    """A person the event names, on the way to a handle."""

    person: Person
    marks: list[Fingerprint]
    match: Match
    handle: str = ""


class _Resolving:
    """One event in its transaction."""

    def __init__(
        self,
        event: LifeEvent,
        event_type: EventType,
        tx: Transaction,
        *,
        fingerprints: Fingerprints,
        new_id: NewId,
        now: datetime,
    ) -> None:
        self._event = event
        self._type = event_type
        self._tx = tx
        self._fingerprints = fingerprints
        self._new_id = new_id
        self._now = now

    async def answer(self) -> Resolved:
        """The answer of before, or a new one that is kept."""
        marks = [self._marks(person) for person in self._event.persons]
        digests = [mark.digest for each in marks for mark in each]
        opened = await self._tx.events.open(self._event, digests)
        if opened.answer is not None:
            return Resolved(opened.answer, repeated=True)
        self._check_superseded(opened)
        named = [
            _Named(person, each, match(each, opened.known))
            for person, each in zip(self._event.persons, marks, strict=True)
        ]
        case = await self._case(named, opened)
        minted = self._mint(named, case)
        await self._tx.subjects.add(minted, self._now)
        case_id = await self._save_case(named, case)
        await self._feed(named)
        silent, changed = await self._silence(named)
        resolution = Resolution(await self._concerned(named), case_id, silent)
        await self._tx.events.answer(self._event, resolution, self._now)
        return Resolved(
            resolution,
            matched=len(named) - len(minted),
            minted=len(minted),
            conflicts=sum(each.match.conflict for each in named),
            flags_changed=changed,
        )

    def _marks(self, person: Person) -> list[Fingerprint]:
        """Fingerprints of the identifiers that the source holds for the role; no others count."""
        held = self._type.roles[person.role].schemes
        return [
            self._fingerprints.of_identifier(each)
            for each in person.identifiers
            if each.scheme in held
        ]

    def _check_superseded(self, opened: Opened) -> None:
        this = self._event.type, self._event.publisher
        before = opened.superseded
        if before is not None and (before.type, before.publisher) != this:
            raise FieldInvalid("supersedes", "supersedes_another")

    async def _case(self, named: list[_Named], opened: Opened) -> Case | None:
        """The case the event is about; None when there is none yet."""
        rule, child = self._type.case, self._child(named)
        if rule is None or child is None:
            return None
        known = [each for each in named if each.match.handle]
        before = opened.superseded.case_id if opened.superseded else ""
        if not known and not before:
            return None
        cases = await self._tx.events.cases([each.match.handle or "" for each in known], before)
        replaced = next((case for case in cases if case.case_id == before), None)
        members = frozenset(
            each.match.handle or "" for each in known if each.person.role in rule.members
        )
        return replaced or find_case(
            cases, anchor=child.match.handle, members=members, sketch=self._sketch(child)
        )

    def _mint(self, named: list[_Named], case: Case | None) -> list[SubjectRow]:
        """Give everyone a handle; those whom nobody knew, to be written down.

        Identifiers are bound to a new handle only: what one department believes must not change
        whom another department's event reaches.
        """
        rows: list[SubjectRow] = []
        taken: dict[bytes, str] = {}
        for each in named:
            # The same unknown person may stand in two roles of one event.
            handle = each.match.handle or match(each.marks, taken).handle
            if handle is None and case is not None and each is self._child(named):
                handle = case.anchor
            if handle is None:
                handle = self._new_id()
                fresh = tuple(mark for mark in each.marks if mark.digest not in taken)
                taken |= {mark.digest: handle for mark in fresh}
                rows.append(SubjectRow(handle, "en", self._event.nation, fresh))
            each.handle = handle
        return rows

    async def _save_case(self, named: list[_Named], case: Case | None) -> str:
        rule, child = self._type.case, self._child(named)
        if rule is None or child is None:
            return ""
        members = frozenset(each.handle for each in named if each.person.role in rule.members)
        if case is None:
            case = Case(self._new_id(), rule.kind, child.handle, self._sketch(child), members)
        await self._tx.events.save_case(replace(case, members=members), self._now)
        return case.case_id

    async def _feed(self, named: list[_Named]) -> None:
        if not self._event.reason.states_a_fact:
            return
        fed = {
            (each.handle, name): value
            for each in named
            for name, value in self._type.feeds(each.person, self._event.facts).items()
        }
        await self._tx.events.feed(
            [FieldFed(handle, name, value) for (handle, name), value in fed.items()],
            event=self._event,
            lawful_basis=self._type.lawful_basis,
            at=self._now,
        )
        await self._tx.events.concern(
            self._event, sorted({each.handle for each in named if self._is_concerned(each)})
        )

    async def _silence(self, named: list[_Named]) -> tuple[tuple[str, ...], bool]:
        """Put up or lift what the event's type fences; who is silent now, and whether that is new.

        A fence that an earlier event left unconfirmed must hold before this one is answered too.
        """
        rule, rows = self._type.fence, self._tx.permissions
        if rule is None:
            await self._replace()
            return (), False
        meant = [each.handle for each in named if each.person.role == rule.role]
        flagged = meant if self._event.reason.states_a_fact else []
        touched = sorted({*flagged, *await rows.flagged_by(self._event)})
        before = await rows.lock(touched)
        await self._replace()
        for handle in flagged:
            await rows.flag(handle, rule.flag, self._event.event_id)
        after = await rows.read(touched)
        outcomes = [put_flags(before[handle], after[handle].flags) for handle in touched]
        changed = [each for each in outcomes if each.after.serial != before[each.subject].serial]
        for outcome in changed:
            await rows.save(outcome, self._now)
        silent = tuple(handle for handle in touched if after[handle].flags)
        return silent, bool(changed)

    async def _replace(self) -> None:
        if not self._event.supersedes:
            return
        if self._event.reason is Reason.CANCELLATION_REMOVED:
            await self._tx.events.restore(self._event)
        else:
            await self._tx.events.supersede(self._event)

    async def _concerned(self, named: list[_Named]) -> tuple[ResolvedPerson, ...]:
        concerned = [each for each in named if self._is_concerned(each)]
        profiles = await self._tx.subjects.profiles(
            sorted({each.handle for each in concerned}),
            ["birth_date", *self._type.derived_record],
            but=self._event.event_id,
        )
        return tuple(
            resolved_person(
                each.person, each.handle, profiles[each.handle], self._type, self._now.date()
            )
            for each in concerned
        )

    def _is_concerned(self, named: _Named) -> bool:
        return self._type.roles[named.person.role].concerned

    def _child(self, named: list[_Named]) -> _Named | None:
        rule = self._type.case
        if rule is None:
            return None
        return next((each for each in named if each.person.role == rule.anchor), None)

    def _sketch(self, child: _Named) -> Sketch:
        forename = child.person.forename
        digest = self._fingerprints.of_forename(forename) if forename else None
        return Sketch(child.person.birth_date, child.person.sex, digest)
