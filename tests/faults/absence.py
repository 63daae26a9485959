"""While identity is away the platform keeps silent rather than guess (I12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.faults.contradiction import Ascending, Contradiction
from tests.faults.operation import Kind, Operation, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.faults.history import History

IDENTITY: Final = "identity"
_PASSES: Final = frozenset({Kind.CLAIM, Kind.OPEN})


def closed_while_identity_is_away(history: History) -> list[Contradiction]:
    """I12: while identity was away, nothing passed for a person not confirmed before.

    Judged is what was invoked and acknowledged within one absence that is known from both sides.
    A confirmation counts at the part that asked for it; where the history does not say which
    part that was, or which part let the operation pass, any one counts.
    """
    operations = sorted(history.operations, key=lambda each: each.invoked_ns)
    away = Ascending(
        (
            each
            for each in operations
            if each.kind is Kind.AWAY and each.part == IDENTITY and each.result is Result.OK
        ),
        lambda each: each.invoked_ns,
        lambda each: each.acknowledged_ns,
    )
    confirmed = _Confirmed(operations)
    return [
        Contradiction("I12", "something passes unconfirmed while identity is away", (absence, it))
        for it in operations
        if it.kind in _PASSES
        and (absence := away.first(before=it.invoked_ns, above=it.acknowledged_ns)) is not None
        and not confirmed.may_precede(absence, it)
    ]


class _Confirmed:
    """When each person was first being confirmed: by a part, by one not named, by any at all."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._by_part: dict[tuple[str, str], int] = {}
        self._by_any: dict[str, int] = {}
        for each in operations:
            if each.kind is Kind.CONFIRM and each.result is not Result.FAIL:
                self._by_part.setdefault((each.subject, each.part), each.invoked_ns)
                self._by_any.setdefault(each.subject, each.invoked_ns)

    def may_precede(self, absence: Operation, passed: Operation) -> bool:
        """Whether what passed may have been confirmed before identity went away."""
        if not passed.part:
            moments = [self._by_any.get(passed.subject)]
        else:
            moments = [self._by_part.get((passed.subject, part)) for part in (passed.part, "")]
        return any(moment is not None and moment < absence.invoked_ns for moment in moments)
