"""What identity's calls work with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.identity.domain.agreement import Agreements
from services.identity.domain.event_type import EventType
from services.identity.domain.identifier import Fingerprints
from services.identity.domain.page_token import PageTokens
from services.identity.handlers.fencing import Fencing
from services.identity.ports import Clock, FenceBook, IdTokens, NewId, PersonTokens, Store
from services.identity.ports.access import AccessLog, WaitingLines
from services.kit.catalogue import Catalogue
from services.kit.rpc import caller_of


@dataclass(frozen=True)
class Surroundings:
    """Everything a call may need; each call takes its own."""

    store: Store
    book: FenceBook
    fencing: Fencing
    fingerprints: Fingerprints
    event_types: Catalogue[dict[str, EventType]]
    agreements: Catalogue[Agreements]
    publishers: Catalogue[dict[str, Mapping[str, str]]]
    id_tokens: IdTokens
    person_tokens: PersonTokens
    issuer: str
    lease: timedelta
    clock: Clock
    new_id: NewId
    access_log: AccessLog
    waiting_lines: WaitingLines
    page_tokens: PageTokens


class Servicer:
    """A servicer that holds them."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around


def subject_of() -> str:
    """The person who calls: whose token it is, never a field of the request."""
    subject = caller_of().subject
    # The table lets only people through to the calls that ask.
    assert subject is not None  # noqa: S101
    return subject
