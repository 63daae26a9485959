"""Decisions come off the log into the ledger."""

from collections.abc import Sequence
from datetime import datetime

from services.notifications.domain.decision import Arrival
from services.notifications.ports import Admission, Decisions


async def admit_decisions(
    arrivals: Sequence[Arrival], decisions: Decisions, *, now: datetime
) -> Admission:
    """Keep the first decision for each event and person, and write its prompts into the ledger.

    When it returns, all of it is committed; a record that comes again changes nothing.
    """
    if not arrivals:
        return Admission(0, 0, ())
    return await decisions.admit(arrivals, now)
