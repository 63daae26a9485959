"""Cases: people joined around a child without joining their data."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.identity.domain.birth_date import is_whole_date


@dataclass(frozen=True)
class Sketch:
    """What an event says of the child: enough to know it again, not enough to name it."""

    birth_date: str = field(repr=False)
    sex: str = field(repr=False)
    forename_digest: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Case:
    """One case; `members` are the handles it joins, `anchor` the handle of the child."""

    case_id: str
    kind: str
    anchor: str
    sketch: Sketch
    members: frozenset[str]


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


def _same(one: Sketch, other: Sketch) -> bool:
    return (
        one.forename_digest is not None
        and one.forename_digest == other.forename_digest
        and one.birth_date == other.birth_date
        and is_whole_date(one.birth_date)
        and (not one.sex or not other.sex or one.sex == other.sex)
    )
