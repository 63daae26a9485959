"""The entries that some events are about, as they stand while those are resolved."""

from collections import defaultdict
from collections.abc import Iterable

from services.identity.domain.entry import Statement
from services.identity.domain.life_event import LifeEvent


class Entries:
    """Statements by what they name. Another publisher's, or of another type, is no part of it."""

    def __init__(self, statements: Iterable[Statement] = ()) -> None:
        self._by_id: dict[str, Statement] = {}
        self._naming: defaultdict[str, set[str]] = defaultdict(set)
        self._members: defaultdict[str, set[str]] = defaultdict(set)
        for each in statements:
            self.put(each)

    def put(self, statement: Statement) -> None:
        """The statement as it stands from now on."""
        before = self._by_id.get(statement.event_id)
        if before is not None:
            self._members[before.entry_id].discard(statement.event_id)
        self._by_id[statement.event_id] = statement
        self._members[statement.entry_id].add(statement.event_id)
        if statement.supersedes:
            self._naming[statement.supersedes].add(statement.event_id)

    def is_anothers(self, event: LifeEvent) -> bool:
        """Whether the event would supersede what is of another type or by another publisher."""
        named = self._by_id.get(event.supersedes)
        return named is not None and not _is_same(named, event)

    def about(self, event: LifeEvent) -> set[str]:
        """The entries that the event is about; several when only it tells that they are one."""
        if not event.supersedes and event.event_id not in self._naming:
            return set()
        linked = {event.supersedes, *self._naming.get(event.event_id, ())}
        if event.supersedes:
            linked |= self._naming.get(event.supersedes, set())
        found = (self._by_id[each] for each in linked if each in self._by_id)
        return {each.entry_id for each in found if _is_same(each, event)}

    def keys(self, event: LifeEvent) -> set[str]:
        """The event's entries, and everyone whom a change of these is about."""
        entries = self.about(event)
        if not entries:
            return entries
        people = (self._by_id[i].handles for each in entries for i in self._members[each])
        return entries.union(*people)

    def said(self, event: LifeEvent) -> list[Statement]:
        """Everything said of the event's entry, as it arrived."""
        entries = self.about(event)
        if not entries:
            return []
        members = (self._members[entry_id] for entry_id in entries)
        found = [self._by_id[event_id] for each in members for event_id in each]
        return sorted(found, key=lambda each: each.arrival)


def _is_same(statement: Statement, event: LifeEvent) -> bool:
    return (statement.type, statement.publisher) == (event.type, event.publisher)
