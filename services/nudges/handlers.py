"""The one use case: decide a chunk of life events."""

from collections.abc import Sequence
from datetime import datetime

from services.nudges.domain.decide import decide
from services.nudges.domain.life_event import LifeEvent
from services.nudges.ports import (
    CatalogueInForce,
    Contract,
    Decided,
    PermissionSets,
    PoisonReason,
    RecordOutcome,
    SetAside,
)


async def process_chunk(
    values: Sequence[bytes],
    now: datetime,
    *,
    contract: Contract,
    permissions: PermissionSets,
    catalogue: CatalogueInForce,
) -> list[RecordOutcome]:
    """Decide every value of a chunk, asking for everybody's permissions once.

    A type that the catalogue does not know comes from a writer that is ahead of this process: it
    is set aside to be published again, where an empty decision would stand for ever.
    """
    in_force = catalogue()
    events: list[LifeEvent | PoisonReason] = []
    serials: dict[str, int] = {}
    for value in values:
        event = contract.read(value)
        if isinstance(event, LifeEvent):
            if event.type in in_force.types:
                newest = serials.get(event.subject, 0)
                serials[event.subject] = max(newest, event.permission_serial)
            else:
                event = PoisonReason.SCHEMA_FUTURE
        events.append(event)
    sets = await permissions.at_least(serials) if serials else {}
    outcomes: list[RecordOutcome] = []
    for event in events:
        if isinstance(event, PoisonReason):
            outcomes.append(SetAside(event))
        else:
            decision = decide(event, sets[event.subject], in_force, now)
            outcomes.append(Decided(decision, contract.write(decision)))
    return outcomes
