"""Why an event does not come in, or not now.

EventsError
├── Refused              the publisher must change something before trying again
│   ├── NotAuthenticated
│   ├── BodyMalformed
│   ├── TooLarge
│   ├── ScopeDenied
│   ├── BasisNotYours
│   ├── EventInvalid
│   ├── IdempotencyMismatch
│   └── EventNotFound
├── RateExceeded         the publisher must wait before sending more
├── InProgress           the same event is being admitted at this moment
└── Unavailable          the same event may be sent again, unchanged
    ├── StoreUnavailable
    ├── IdentityUnavailable
    ├── FenceOutstanding
    ├── LogUnavailable
    └── Mistaken         the fault is ours
"""

from collections.abc import Iterable
from typing import ClassVar

from services.events.domain.faults import Fault


class EventsError(Exception):
    """The base; `code` is a lower-snake word for programs. No error carries what was sent."""

    code: ClassVar[str] = "events_error"

    def __init__(self, code: str | None = None) -> None:
        self.reason = code or self.code
        super().__init__(self.reason)


class Refused(EventsError):
    """Sending the same again is refused again."""

    code = "refused"


class NotAuthenticated(Refused):
    """Who is calling cannot be believed."""

    code = "token_malformed"


class BodyMalformed(Refused):
    """The body is not the JSON that is read here; `offset` is the byte it was noticed at."""

    code = "json_invalid"

    def __init__(self, code: str, offset: int | None = None) -> None:
        super().__init__(code)
        self.offset = offset


class TooLarge(Refused):
    """More was sent than is taken at once."""

    code = "body_too_large"


class ScopeDenied(Refused):
    """The publisher may not publish this type, or not speak for this source."""

    code = "scope_denied"


class BasisNotYours(Refused):
    """The event, or its token, names a lawful basis or a purpose that its type does not grant."""

    code = "basis_not_yours"


class EventInvalid(Refused):
    """The event breaks rules of its type; `faults` names all of them.

    Its code is the faults' own where they all share one.
    """

    code = "event_invalid"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        codes = {fault.code for fault in self.faults}
        super().__init__(codes.pop() if len(codes) == 1 else None)


class IdempotencyMismatch(Refused):
    """The id was used before, with another body."""

    code = "idempotency_mismatch"


class EventNotFound(Refused):
    """This publisher has no such event, whoever else may have."""

    code = "not_found"


class RateExceeded(EventsError):
    """The publisher sends more than it may; `wait_seconds` says when there is room again."""

    code = "rate_limited"

    def __init__(self, wait_seconds: float) -> None:
        super().__init__()
        self.wait_seconds = wait_seconds


class InProgress(EventsError):
    """Another request with the same event has not been answered yet."""

    code = "idempotency_in_progress"


class Unavailable(EventsError):
    """Something the admission needs is away; nothing was promised."""

    code = "unavailable"


class StoreUnavailable(Unavailable):
    """The store of admissions does not answer."""

    code = "store_unavailable"


class IdentityUnavailable(Unavailable):
    """Who the persons are cannot be asked."""

    code = "identity_unavailable"


class FenceOutstanding(Unavailable):
    """What must go silent has not all gone silent yet."""

    code = "fence_outstanding"


class LogUnavailable(Unavailable):
    """The log has not acknowledged the records."""

    code = "log_unavailable"


class Mistaken(Unavailable):
    """What was accepted here was not accepted behind the door: that is to be mended by us."""

    code = "internal"
