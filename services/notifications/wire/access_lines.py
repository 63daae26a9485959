"""Lines of access logs as identity takes them over."""

from collections.abc import Iterable
from typing import Final

from joinedup.identity.v1 import access_line_pb2
from services.notifications.domain.access_line import AccessLine, ReaderKind
from services.notifications.wire.times import timestamp

_KINDS: Final = {
    ReaderKind.PERSON: access_line_pb2.READER_KIND_PERSON,
    ReaderKind.OPERATOR: access_line_pb2.READER_KIND_OPERATOR,
}


def line_messages(lines: Iterable[AccessLine]) -> list[access_line_pb2.AccessLine]:
    """Lines with whose they are: between services only."""
    return [
        access_line_pb2.AccessLine(
            id=line.id,
            subject=line.subject,
            at=timestamp(line.at),
            reader_kind=_KINDS[line.reader_kind],
            action=access_line_pb2.ACCESS_ACTION_READ,
            purpose=line.purpose,
            lawful_basis=line.lawful_basis,
            fields=line.fields,
            event_id=line.event_id,
            prompt_id=line.prompt_id,
            trace_id=line.trace_id,
        )
        for line in lines
    ]
