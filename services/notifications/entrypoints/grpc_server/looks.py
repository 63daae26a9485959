"""The look that a call is: its line in the access log is made of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from services.kit.ids import new_random_id
from services.kit.telemetry import current_traceparent
from services.notifications.domain.access_line import Look, ReaderKind

Looks = Callable[..., Look]

# The second field of a W3C traceparent, which is empty outside a trace.
_TRACE_ID: Final = slice(3, 35)


def looks(now: Callable[[], datetime]) -> Looks:
    """Makes the look of the call that is being served, with an id of its own."""

    def look(reader_kind: ReaderKind = ReaderKind.PERSON) -> Look:
        return Look(new_random_id(), now(), current_traceparent()[_TRACE_ID], reader_kind)

    return look
