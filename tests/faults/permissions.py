"""A no holds once it took effect, and a yes is not overlooked (I3, I18)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from services.notifications.domain.ledger import Reason
from services.nudges.domain.decision import SuppressionReason
from tests.faults.contradiction import Ascending, Contradiction, grouped
from tests.faults.operation import Kind, Operation, Result
from tests.faults.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.history import History

ENDS: Final = frozenset({Kind.WITHDRAW, Kind.OBJECT})
# A permission that expired, or whose channels were narrowed, was ended by no operation.
LACK_OF_PERMISSION: Final = frozenset(
    {
        SuppressionReason.NO_PERMISSION,
        SuppressionReason.PERMISSION_WITHDRAWN,
        SuppressionReason.PERMISSION_OBJECTED,
        Reason.WITHDRAWN,
        Reason.OBJECTED,
        Reason.STALE,
    }
)
_NEVER: Final = float("inf")


class _Permission(NamedTuple):
    subject: str
    purpose: str
    controller: str


def _permission(operation: Operation) -> _Permission:
    return _Permission(operation.subject, operation.purpose, operation.controller)


def nothing_passes_after_an_end(history: History) -> list[Contradiction]:
    """I3: once a no with a higher epoch took effect, nothing decided under a lower one passes.

    No claim and no open commits after it; and no open that was invoked after the acknowledgement
    is answered, nor its prompt shown, whatever the serials say. Only a no that was acknowledged
    counts, and only what carries an epoch is judged. Claims are judged by their serials alone.
    """
    groups = grouped(history.operations, _permission)
    return [
        Contradiction("I3", "something passes after a no took effect", found)
        for permission, operations in groups.items()
        if all(permission)
        for found in _passed(operations)
    ]


def _passed(operations: list[Operation]) -> Iterator[tuple[Operation, ...]]:
    ends = [
        each
        for each in operations
        if each.kind in ENDS and each.result is Result.OK and each.epoch is not None
    ]
    committed = Ascending((each for each in ends if each.serial is not None), _serial, _epoch)
    acknowledged = Ascending(ends, lambda each: each.acknowledged_ns, _epoch)
    claims = ((each,) for each in operations if each.kind is Kind.CLAIM)
    for passed in (*claims, *Serving(operations).opens()):
        it = passed[0]
        if it.epoch is None:
            continue
        end = None
        if it.serial is not None:
            end = committed.first(before=it.serial, above=it.epoch)
        if end is None and it.kind is Kind.OPEN:
            end = acknowledged.first(before=it.invoked_ns, above=it.epoch)
        if end is not None:
            yield (end, *passed)


def no_wrongful_silence(history: History) -> list[Contradiction]:
    """I18: an event acknowledged after a yes committed is not suppressed for lack of permission.

    Only an end of that permission between the two may silence it, and one that may have happened
    there excuses it. An event comes after a yes when its serial does, or when it was first sent
    after the yes was acknowledged; one that overlaps it may be ordered either way.
    """
    events = _acknowledged_events(history)
    groups = grouped(history.operations, _permission)
    return [
        Contradiction("I18", "an event after a yes is suppressed for lack of permission", found)
        for permission, operations in groups.items()
        if all(permission)
        for found in _silenced(operations, events)
    ]


def _acknowledged_events(history: History) -> dict[str, Operation]:
    """The first attempt to send each event of which any attempt was acknowledged, by its id.

    A publisher that sends again is answered with what its first attempt did.
    """
    attempts = [
        each
        for each in history.operations
        if each.kind is Kind.EVENT and each.result is not Result.FAIL
    ]
    return {
        event_id: min(same, key=_invoked)
        for event_id, same in grouped(attempts, lambda each: each.event_id).items()
        if any(each.result is Result.OK for each in same)
    }


def _silenced(
    operations: list[Operation], events: dict[str, Operation]
) -> Iterator[tuple[Operation, ...]]:
    gives = [each for each in operations if each.kind is Kind.GIVE]
    committed = Ascending((each for each in gives if each.serial is not None), _serial, _epoch)
    acknowledged = Ascending(gives, lambda each: each.acknowledged_ns, _epoch)
    ends = _Ends(operations)
    for suppressed in operations:
        if suppressed.kind is not Kind.SUPPRESS or suppressed.result is not Result.OK:
            continue
        event = events.get(suppressed.event_id)
        if suppressed.reason not in LACK_OF_PERMISSION or event is None:
            continue
        given = acknowledged.last(before=event.invoked_ns)
        # An event may concern several people, and its serial orders those of one of them.
        if event.serial is not None and event.subject == suppressed.subject:
            given = committed.last(before=event.serial) or given
        if given is not None and not ends.may_lie_between(given, suppressed):
            yield given, event, suppressed


class _Ends:
    """Ends of one permission that may have happened."""

    def __init__(self, operations: list[Operation]) -> None:
        may = [each for each in operations if each.kind in ENDS and each.result is not Result.FAIL]
        with_serial = [each for each in may if each.serial is not None]
        without = [each for each in may if each.serial is None]
        self._serials = Ascending(with_serial, _invoked, _serial)
        self._moments = Ascending(may, _invoked, lambda each: each.acknowledged_ns)
        self._moments_without = Ascending(without, _invoked, lambda each: each.acknowledged_ns)

    def may_lie_between(self, given: Operation, suppressed: Operation) -> bool:
        """Whether one may have committed after the yes, and been begun before the suppression."""
        until = suppressed.acknowledged_ns
        if given.serial is None:
            return self._moments.highest(until=until) >= given.invoked_ns
        return (
            self._serials.highest(until=until) > given.serial
            or self._moments_without.highest(until=until) >= given.invoked_ns
        )


def _serial(operation: Operation) -> float:
    return operation.serial if operation.serial is not None else _NEVER


def _epoch(operation: Operation) -> float:
    return operation.epoch if operation.epoch is not None else -_NEVER


def _invoked(operation: Operation) -> float:
    return operation.invoked_ns
