"""What people did with their prompts is told to the log."""

from typing import Final

from services.notifications.ports import Outbox, OutcomeLog

_AT_ONCE: Final = 50


async def publish_outcomes(outbox: Outbox, log: OutcomeLog) -> int:
    """Tell everything that waits; answers how many. Raises what the log raises."""
    told = 0
    while True:
        number = await outbox.relay(log.tell, _AT_ONCE)
        told += number
        if number < _AT_ONCE:
            return told
