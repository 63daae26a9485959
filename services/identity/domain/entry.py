"""An entry of a register: all that was said of one thing, whatever order it arrives in.

What stands depends on the statements alone, not on their way here. Of two statements the later
one is that of the higher sequence, where both have one; else the one that supersedes the other;
else the one that was registered later; else the one that arrived later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from itertools import groupby, pairwise

from services.identity.domain.life_event import Reason


class Standing(StrEnum):
    """What was so when a statement arrived."""

    IN_FORCE = "in_force"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    REPEATED = "repeated"


@dataclass(frozen=True)
class Statement:
    """One event as a statement about its entry, and as it was answered; `arrival` rises.

    `handles` are everyone it names.
    """

    event_id: str
    type: str
    publisher: str
    reason: Reason
    supersedes: str
    registered_at: datetime
    sequence: int
    arrival: int
    entry_id: str
    case_id: str
    handles: frozenset[str] = field(repr=False)
    standing: Standing = Standing.IN_FORCE
    root_event_id: str = ""

    @property
    def counted(self) -> bool:
        """Whether prompts may have been counted under its root when it arrived."""
        return self.standing is Standing.IN_FORCE and self.reason is not Reason.CANCELLED


@dataclass(frozen=True)
class Entry:
    """Everything said of one entry so far, in any order."""

    statements: Sequence[Statement]

    @cached_property
    def in_order(self) -> list[Statement]:
        """Earliest first. Statements that contradict each other's order go by their times."""
        known = {each.event_id: each for each in self.statements}
        sorter: TopologicalSorter[str | int] = TopologicalSorter()
        for each in self.statements:
            named = known.get(each.supersedes)
            follows = named is not None and named is not each and not _are_numbered(named, each)
            sorter.add(each.event_id, *([each.supersedes] if follows else []))
        numbered = sorted((s for s in self.statements if s.sequence), key=lambda s: s.sequence)
        groups = [list(group) for _, group in groupby(numbered, lambda s: s.sequence)]
        for earlier, later in pairwise(groups):
            # One node between the groups stands for every pair of their members.
            sorter.add(later[0].sequence, *(each.event_id for each in earlier))
            for each in later:
                sorter.add(each.event_id, later[0].sequence)
        try:
            return [known[event_id] for event_id in _earliest_first(sorter, known)]
        except CycleError:
            return sorted(self.statements, key=_when)

    @cached_property
    def cancelled(self) -> bool:
        """Whether a cancellation is in force."""
        return any(
            each.reason is Reason.CANCELLED and not self._is_lifted(each)
            for each in self.statements
        )

    @cached_property
    def last_fact(self) -> Statement | None:
        """The statement whose values count unless the entry is cancelled."""
        return next((each for each in reversed(self.in_order) if each.reason.states_a_fact), None)

    @property
    def void(self) -> set[str]:
        """The events whose facts do not count."""
        facts = {each.event_id for each in self.statements if each.reason.states_a_fact}
        if self.last_fact is not None and not self.cancelled:
            facts.discard(self.last_fact.event_id)
        return facts

    def standing(self, new: Statement) -> Standing:
        """How a statement stands that was the last to arrive."""
        if new.reason is Reason.CANCELLED:
            return Standing.REPLACED if self._is_lifted(new) else Standing.IN_FORCE
        if self.cancelled:
            return Standing.CANCELLED
        if new.reason.states_a_fact:
            return Standing.IN_FORCE if self.last_fact == new else Standing.REPLACED
        later = self.in_order[self.in_order.index(new) + 1 :]
        outdone = any(each.reason is not Reason.CANCELLED for each in later)
        return Standing.REPLACED if outdone else Standing.IN_FORCE

    def _is_lifted(self, cancellation: Statement) -> bool:
        """Removed since; or a fact was stated that supersedes it, or has a higher sequence.

        A time alone lifts no cancellation: what a register corrects late may be gone by then.
        """
        place = self._places[cancellation.event_id]
        return (
            self._last_removal > place
            or cancellation.event_id in self._superseded_by_facts
            or 0 < cancellation.sequence < self._highest_fact
        )

    @cached_property
    def _places(self) -> dict[str, int]:
        return {each.event_id: place for place, each in enumerate(self.in_order)}

    @cached_property
    def _last_removal(self) -> int:
        removals = (e for e in self.statements if e.reason is Reason.CANCELLATION_REMOVED)
        return max((self._places[each.event_id] for each in removals), default=-1)

    @cached_property
    def _highest_fact(self) -> int:
        return max((e.sequence for e in self.statements if e.reason.states_a_fact), default=0)

    @cached_property
    def _superseded_by_facts(self) -> set[str]:
        known = {each.event_id: each for each in self.statements}
        found: set[str] = set()
        for each in self.statements:
            named = known.get(each.supersedes) if each.reason.states_a_fact else None
            while named is not None and named.event_id not in found:
                found.add(named.event_id)
                named = known.get(named.supersedes)
        return found


@dataclass(frozen=True)
class Placed:
    """A new statement in its entry, and what that changes; nothing else for one that is alone."""

    statement: Statement
    joined: tuple[Statement, ...] = ()
    void: frozenset[str] = frozenset()

    def repeating(self, told: Iterable[tuple[str, str]]) -> Statement:
        """The statement as it is answered, given who else states its fact: event ids and roots.

        What was counted in this entry before is not counted elsewhere.
        """
        own = {each.event_id for each in self.joined}
        roots = [root for event_id, root in told if event_id not in own]
        new = self.statement
        if not roots or not new.counted or any(e.counted for e in self.joined if e is not new):
            return new
        return replace(new, standing=Standing.REPEATED, root_event_id=roots[0])


def place(new: Statement, said: Sequence[Statement]) -> Placed:
    """A new statement of the entry that `said` is about, perhaps joining several."""
    if not said:
        return Placed(new)
    before, after = Entry(said), Entry([*said, new])
    oldest = min(said, key=lambda each: each.arrival)
    # Nobody else will tell that the entry is in force again, even if a later fact is here already.
    is_back = before.cancelled and not after.cancelled
    standing = Standing.IN_FORCE if is_back else after.standing(new)
    root = new.event_id if is_back else _root(said, new)
    placed = replace(new, entry_id=oldest.entry_id, standing=standing, root_event_id=root)
    others = (replace(each, entry_id=oldest.entry_id) for each in said)
    return Placed(placed, (*others, placed), frozenset(after.void))


def _root(said: Sequence[Statement], new: Statement) -> str:
    """The root that counts for the entry.

    Of several that were unknown to each other it is the one that something was counted under
    first. Who cancels what only repeated another entry withdraws nothing of that one.
    """
    by_arrival = sorted(said, key=lambda each: (not each.counted, each.arrival))
    first = by_arrival[0]
    together = [each for each in said if each.entry_id == first.entry_id]
    repeats = not first.counted and any(e.standing is Standing.REPEATED for e in together)
    if repeats and new.reason is Reason.CANCELLED:
        return new.event_id
    return max(together, key=lambda each: each.arrival).root_event_id


def _are_numbered(one: Statement, other: Statement) -> bool:
    return bool(one.sequence and other.sequence and one.sequence != other.sequence)


def _when(statement: Statement) -> tuple[datetime, int]:
    return statement.registered_at, statement.arrival


def _earliest_first(sorter: TopologicalSorter[str | int], known: dict[str, Statement]) -> list[str]:
    """The statements as the sorter allows them, the one registered first before the others."""
    sorter.prepare()
    ready: list[tuple[tuple[datetime, int], str]] = []
    order: list[str] = []
    while sorter.is_active():
        nodes = sorter.get_ready()
        for node in nodes:
            if isinstance(node, int):
                sorter.done(node)
            else:
                heappush(ready, (_when(known[node]), node))
        if any(isinstance(node, int) for node in nodes):
            continue
        _, event_id = heappop(ready)
        order.append(event_id)
        sorter.done(event_id)
    return order
