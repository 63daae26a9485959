"""One event on its way to an answer: its persons become handles and find their case."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.identity.domain.access_line import AccessLine, Action, Reader, ReaderKind, line_id
from services.identity.domain.birth_date import born_before_loss
from services.identity.domain.child_case import (
    CHILD,
    Case,
    Cases,
    Sketch,
    find_case,
    possible_cases,
)
from services.identity.domain.entries import Entries
from services.identity.domain.entry import Placed, Statement, place
from services.identity.domain.event_type import EventType, Role
from services.identity.domain.identifier import NOBODY, Fingerprint, Fingerprints, Match, match
from services.identity.domain.life_event import LifeEvent, Person, Reason, fact_digest
from services.identity.domain.resolution import ResolvedPerson
from services.identity.ports import Asking, NewId, SubjectRow, Told

# The reasons for which the same fact may have been told under another id.
FIRST_TOLD = frozenset({Reason.REGISTERED, Reason.CANCELLATION_REMOVED})


@dataclass
class Named:
    """A person the event names, on the way to a handle."""

    person: Person
    role: Role
    marks: list[Fingerprint] = field(repr=False)
    match: Match = field(default=NOBODY, repr=False)
    handle: str = field(default="", repr=False)


class Asked:
    """One event whose persons are to be known. Identifiers the source does not hold count not."""

    def __init__(self, event: LifeEvent, event_type: EventType, fingerprints: Fingerprints) -> None:
        self.event = event
        self.type = event_type
        self.named: list[Named] = []
        self.minted: list[SubjectRow] = []
        self.case: Case | None = None
        self.case_is_new = False
        self.case_is_news = False
        self.joined: frozenset[str] = frozenset()
        self.placed: Placed
        self.fact_digest: bytes | None = None
        self._child: Named | None = None
        self._sketch: Sketch | None = None
        for person in event.persons:
            role = event_type.roles[person.role]
            marks = [
                fingerprints.of_identifier(each)
                for each in person.identifiers
                if each.scheme in role.schemes
            ]
            self.named.append(Named(person, role, marks))
        if event_type.case is not None:
            self._find_child(event_type.case.anchor, fingerprints)
        self.digests = [mark.digest for each in self.named for mark in each.marks]

    def _find_child(self, anchor: str, fingerprints: Fingerprints) -> None:
        self._child = next((each for each in self.named if each.person.role == anchor), None)
        if self._child is not None:
            child = self._child.person
            digest = fingerprints.of_forename(child.forename) if child.forename else None
            occurred = self.event.occurred
            born = child.birth_date or (born_before_loss(occurred) if self.type.fence else occurred)
            self._sketch = Sketch(born, child.sex, digest)

    @property
    def concerned(self) -> list[Named]:
        """The persons a record is written for, in the order the event names them."""
        return [each for each in self.named if each.role.is_concerned(self.event.facts)]

    @property
    def found(self) -> set[str]:
        """Everyone the event is about, and its case, once they are known."""
        found = {each.handle for each in self.named}
        return found | {self.case.case_id} if self.case else found

    @property
    def conflicts(self) -> int:
        """Persons whose identifiers point at more than one handle."""
        return sum(each.match.conflict for each in self.named)

    def keys(self, known: Mapping[bytes, str], entries: Entries) -> set[str | bytes]:
        """What two events have in common when the answer to one may depend on the other."""
        links = {self.event.event_id, self.event.supersedes} - {""}
        people = self.known_handles(known)
        return {*links, *entries.keys(self.event), *self.digests, *people}

    def known_handles(self, known: Mapping[bytes, str]) -> set[str]:
        """Everyone whom the identifiers may mean."""
        return {known[digest] for digest in self.digests if digest in known}

    def know(self, known: Mapping[bytes, str], cases: Cases, before: str, new_id: NewId) -> None:
        """Match each person or mint a handle; `before` is the case of the event this replaces."""
        for each in self.named:
            each.match = match(each.marks, known)
        self._match_case(cases, before)
        self._mint(new_id)
        self._open_case(new_id)

    def _match_case(self, cases: Cases, before: str) -> None:
        rule, child, sketch = self.type.case, self._child, self._sketch
        if rule is None or child is None or sketch is None:
            return
        # A loss may be told of somebody else now than by the statement it replaces.
        self.case = None if self.states_a_loss else cases.get(before)
        self.case = self.case or find_case(
            [each for each in self._cases(cases) if each.kind == CHILD],
            anchor=child.match.handle,
            members=self._known_members,
            sketch=sketch,
        )

    @property
    def states_a_loss(self) -> bool:
        """Whether somebody is to be silent because of it."""
        return self.type.fence is not None and self.event.reason.states_a_fact

    def possible_cases(self, cases: Cases) -> list[Case]:
        """Every other case that may be about the same child."""
        child, sketch = self._child, self._sketch
        if child is None or sketch is None:
            return []
        return possible_cases(
            [each for each in self._cases(cases) if each != self.case],
            anchor=child.match.handle,
            identified=bool(child.marks),
            members=self._known_members,
            sketch=sketch,
        )

    def _cases(self, cases: Cases) -> list[Case]:
        return cases.of(each.match.handle for each in self.named if each.match.handle)

    @property
    def _known_members(self) -> frozenset[str]:
        members = self.type.case.members if self.type.case else ()
        known = (each.match.handle for each in self.named if each.person.role in members)
        return frozenset(handle for handle in known if handle)

    def _mint(self, new_id: NewId) -> None:
        """Give everyone a handle; those whom nobody knew are to be written down.

        Identifiers are bound to a new handle only: what one department believes must not change
        whom another department's event reaches.
        """
        self.minted = []
        taken: dict[bytes, str] = {}
        for each in self.named:
            # The same unknown person may stand in two roles of one event.
            handle = each.match.handle or match(each.marks, taken).handle
            if handle is None and self.case is not None and each is self._child:
                handle = self.case.anchor
            if handle is None:
                handle = new_id()
                fresh = tuple(mark for mark in each.marks if mark.digest not in taken)
                taken |= {mark.digest: handle for mark in fresh}
                self.minted.append(SubjectRow(handle, "en", self.event.nation, fresh))
            each.handle = handle

    def _open_case(self, new_id: NewId) -> None:
        rule, child, sketch = self.type.case, self._child, self._sketch
        if rule is None or child is None or sketch is None:
            return
        members = frozenset(each.handle for each in self.named if each.person.role in rule.members)
        found, self.case_is_new = self.case, self.case is None
        if found is None:
            named = bool(child.marks)
            found = Case(new_id(), rule.kind, child.handle, sketch, frozenset(), identified=named)
        self.joined = members - found.members
        self.case = replace(found, members=found.members | members)
        self.case_is_news = self.case_is_new or bool(self.joined)

    def place(self, entries: Entries, arrival: int) -> None:
        """Take the event's place in its entry, once everyone it names is known."""
        event = self.event
        new = Statement(
            event_id=event.event_id,
            type=event.type,
            publisher=event.publisher,
            reason=event.reason,
            supersedes=event.supersedes,
            registered_at=event.registered_at,
            sequence=event.sequence,
            arrival=arrival,
            entry_id=event.event_id,
            case_id=self.case.case_id if self.case else "",
            handles=frozenset(each.handle for each in self.named),
            root_event_id=event.event_id,
        )
        self.placed = place(new, entries.said(event))
        if event.reason in FIRST_TOLD:
            persons = ((each.person.role, each.handle) for each in self.named)
            self.fact_digest = fact_digest(event, persons)

    @property
    def told(self) -> Told:
        """What the event leaves behind."""
        return Told(
            event=self.event,
            lawful_basis=self.type.lawful_basis,
            fields={
                (each.handle, name): value
                for each in self.named
                for name, value in self.type.feeds(each.person, self.event.facts).items()
            },
            concerned=tuple({each.handle for each in self.concerned}),
            fact_digest=self.fact_digest if self.event.reason is Reason.REGISTERED else None,
        )

    @property
    def asking(self) -> list[Asking]:
        """Whose profiles are needed; of the first person also whether the fact is known.

        A fact about somebody whom nobody knew was never told before.
        """
        told_again = self.event.reason in FIRST_TOLD and self.placed.statement.counted
        digest = self.fact_digest if told_again and not self.minted else None
        asking = []
        for handle in dict.fromkeys(each.handle for each in self.concerned):
            asking.append(Asking(handle, self.event.event_id, digest))
            digest = None
        return asking

    def lines(self, persons: Iterable[ResolvedPerson], at: datetime) -> Iterator[AccessLine]:
        """What each person's access log says of the event: one line, whatever their roles."""
        seen = {person.subject: person for person in persons}
        for person in seen.values():
            yield AccessLine(
                id=line_id(self.event.event_id, person.subject),
                subject=person.subject,
                at=at,
                reader=Reader(ReaderKind.PUBLISHER, self.event.publisher),
                action=Action.READ,
                purpose=self.type.name,
                lawful_basis=self.type.lawful_basis,
                fields=person.told_fields,
                event_id=self.event.event_id,
                trace_id=self.event.trace_id,
            )

    def bound(self) -> dict[bytes, str]:
        """Whom identifiers lead to from now on."""
        return {mark.digest: row.handle for row in self.minted for mark in row.fingerprints}
