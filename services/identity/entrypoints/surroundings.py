"""What identity's calls work with."""

from dataclasses import dataclass
from datetime import timedelta

from services.identity.domain.agreement import Agreements
from services.identity.domain.event_type import EventType
from services.identity.domain.identifier import Fingerprints
from services.identity.handlers.fencing import Fencing
from services.identity.ports import Clock, FenceBook, IdTokens, NewId, PersonTokens, Store
from services.kit.catalogue import Catalogue


@dataclass(frozen=True)
class Surroundings:
    """Everything a call may need; each call takes its own."""

    store: Store
    book: FenceBook
    fencing: Fencing
    fingerprints: Fingerprints
    event_types: Catalogue[dict[str, EventType]]
    agreements: Catalogue[Agreements]
    id_tokens: IdTokens
    person_tokens: PersonTokens
    issuer: str
    lease: timedelta
    clock: Clock
    new_id: NewId


class Servicer:
    """A servicer that holds them."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
