"""All checkers: pure functions of a history, each true of every platform that keeps its invariant.

What is not known is never held against the platform. An operation with an unknown result may
have happened or not, at any time from its invocation on, unless its serial says that it did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.faults.absence import closed_while_identity_is_away
from tests.faults.deaths import silent_after_a_death
from tests.faults.deliveries import claimed_once, replays_are_silent, shown_once
from tests.faults.history import with_prompts
from tests.faults.permissions import no_wrongful_silence, nothing_passes_after_an_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.contradiction import Contradiction
    from tests.faults.history import History

CHECKERS: Final[tuple[Callable[[History], list[Contradiction]], ...]] = (
    claimed_once,
    shown_once,
    nothing_passes_after_an_end,
    silent_after_a_death,
    closed_while_identity_is_away,
    replays_are_silent,
    no_wrongful_silence,
)


def contradictions(history: History) -> list[Contradiction]:
    """Every contradiction in a history, once each operation says all that is known of its prompt.

    An empty list is no proof: look at how many operations there were of each kind, too.
    """
    joined = with_prompts(history)
    return [found for check in CHECKERS for found in check(joined)]
