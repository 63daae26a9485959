"""Cases: people joined around a child without joining their data."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from services.identity.domain.birth_date import born_between, is_whole_date

# A case about a child; that of a loss is another kind until it is known for certain which child
# it was.
CHILD: Final = "child"


@dataclass(frozen=True)
class Sketch:
    """What an event says of the child: enough to know it again, not enough to name it.

    `birth_date` may be partial, or two with a / between them.
    """

    birth_date: str = field(repr=False)
    sex: str = field(repr=False)
    forename_digest: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Case:
    """One case; `members` are the handles it joins, `anchor` the handle of the child.

    `identified`: an identifier leads to the child. `lost_by` are the events in force that say, or
    may say, that the child has died: then the case is closed.
    """

    case_id: str
    kind: str
    anchor: str
    sketch: Sketch
    members: frozenset[str]
    identified: bool = False
    lost_by: frozenset[str] = frozenset()


class Cases:
    """The cases that matter to some events, as they stand while those are resolved."""

    def __init__(self, cases: Iterable[Case] = ()) -> None:
        """The cases in the order they were opened; new ones are opened last."""
        self._by_id: dict[str, Case] = {}
        self._places: dict[str, int] = {}
        self._of: defaultdict[str, set[str]] = defaultdict(set)
        for each in cases:
            self.put(each)

    def get(self, case_id: str) -> Case | None:
        """The case of that id, if it matters."""
        return self._by_id.get(case_id)

    def of(self, handles: Iterable[str]) -> list[Case]:
        """The cases that join any of the people, or are about one of them, in order."""
        found = {case_id for handle in handles for case_id in self._of.get(handle, ())}
        return [self._by_id[case_id] for case_id in sorted(found, key=self._places.__getitem__)]

    def put(self, case: Case) -> None:
        """The case as it stands from now on."""
        self._by_id[case.case_id] = case
        self._places.setdefault(case.case_id, len(self._places))
        for handle in {case.anchor, *case.members}:
            self._of[handle].add(case.case_id)

    def lose(self, anchor: str, event_id: str) -> None:
        """An event says that the child has died."""
        for case in self.about(anchor):
            self.put(replace(case, lost_by=case.lost_by | {event_id}))

    def about(self, anchor: str) -> list[Case]:
        """The cases about one child, in order."""
        return [case for case in self.of([anchor]) if case.anchor == anchor]

    def lost_by(self, event_id: str) -> list[Case]:
        """The children of whom an event says, or may say, that they died; in no order."""
        cases = self._by_id.values()
        return [case for case in cases if case.kind == CHILD and event_id in case.lost_by]


def find_case(
    cases: Iterable[Case], *, anchor: str | None, members: frozenset[str], sketch: Sketch
) -> Case | None:
    """The first case the event may be about, None when it is a new one.

    The same child by its own handle; else a parent in common, the same whole birth date, the same
    forename and no other sex. A child without a forename is never matched by the sketch: it could
    be either of two twins.
    """
    known = list(cases)
    if anchor is not None:
        by_handle = next((case for case in known if case.anchor == anchor), None)
        if by_handle is not None:
            return by_handle
    return next(
        (case for case in known if case.members & members and _same(case.sketch, sketch)), None
    )


def possible_cases(
    cases: Iterable[Case],
    *,
    anchor: str | None,
    identified: bool,
    members: frozenset[str],
    sketch: Sketch,
) -> list[Case]:
    """Every case with a parent in common that may be about this child: nothing speaks against it.

    So a child without a name may be either of two twins. Where both are `identified`, only the
    identifiers decide.
    """
    return [
        case
        for case in cases
        if case.members & members
        and (
            case.anchor == anchor
            if case.identified and identified
            else _may_be(case.sketch, sketch)
        )
    ]


def _may_be(one: Sketch, other: Sketch) -> bool:
    (first, last), (from_, until) = born_between(one.birth_date), born_between(other.birth_date)
    return (
        max(first, from_) <= min(last, until)
        and _agree(one.sex, other.sex)
        and _agree(one.forename_digest, other.forename_digest)
    )


def _agree(one: object, other: object) -> bool:
    return not one or not other or one == other


def _same(one: Sketch, other: Sketch) -> bool:
    return (
        one.forename_digest is not None
        and one.forename_digest == other.forename_digest
        and one.birth_date == other.birth_date
        and is_whole_date(one.birth_date)
        and _agree(one.sex, other.sex)
    )
