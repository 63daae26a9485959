"""Lines of access logs: between services, and as their person reads them."""

from collections.abc import Sequence
from typing import Final

from joinedup.identity.v1 import access_line_pb2, access_log_pb2
from services.identity.domain.access_line import AccessLine, Action, Reader, ReaderKind
from services.identity.domain.access_sentence import Worded
from services.identity.domain.errors import FieldInvalid
from services.identity.domain.identifier import SCHEMES, Identifier, normalised
from services.identity.handlers.access import Attempt
from services.identity.wire.values import (
    MAX_TEXT,
    instant,
    keepable,
    present,
    timestamp,
    trace_id_of,
)

MAX_LINES: Final = 500
MAX_FIELDS: Final = 100

_KINDS: Final = {
    kind: access_line_pb2.ReaderKind.Value(f"READER_KIND_{kind.name}") for kind in ReaderKind
}
_ACTIONS: Final = {
    action: access_line_pb2.AccessAction.Value(f"ACCESS_ACTION_{action.name}") for action in Action
}
_KIND_OF: Final = {number: kind for kind, number in _KINDS.items()}
_ACTION_OF: Final = {number: action for action, number in _ACTIONS.items()}


def lines_of(messages: Sequence[access_line_pb2.AccessLine]) -> list[AccessLine]:
    """Lines that another service committed; raises FieldInvalid."""
    if len(messages) > MAX_LINES:
        raise FieldInvalid("lines", "list_too_long")
    return [_line(each, f"lines[{index}]") for index, each in enumerate(messages)]


def _line(message: access_line_pb2.AccessLine, path: str) -> AccessLine:
    for name, known in (("reader_kind", _KIND_OF), ("action", _ACTION_OF)):
        if getattr(message, name) not in known:
            raise FieldInvalid(f"{path}.{name}", "enum_unknown")
    if len(message.fields) > MAX_FIELDS:
        raise FieldInvalid(f"{path}.fields", "list_too_long")
    for name in ("id", "subject"):
        present(getattr(message, name), f"{path}.{name}")
    texts = [
        *(message.id, message.subject, message.reader, message.purpose, message.lawful_basis),
        *(message.event_id, message.prompt_id, message.trace_id, message.reason, *message.fields),
    ]
    if max(map(len, texts)) > MAX_TEXT:
        raise FieldInvalid(path, "text_too_long")
    keepable("".join(texts), path)
    return AccessLine(
        id=message.id,
        subject=message.subject,
        at=instant(message.at, f"{path}.at"),
        reader=Reader(_KIND_OF[message.reader_kind], message.reader),
        action=_ACTION_OF[message.action],
        purpose=message.purpose,
        lawful_basis=message.lawful_basis,
        fields=tuple(message.fields),
        event_id=message.event_id,
        prompt_id=message.prompt_id,
        trace_id=message.trace_id,
        reason=message.reason,
    )


def attempts_of(messages: Sequence[access_log_pb2.RefusedAttempt]) -> list[Attempt]:
    """Attempts that the door refused; raises FieldInvalid."""
    if len(messages) > MAX_LINES:
        raise FieldInvalid("attempts", "list_too_long")
    return [_attempt(each, f"attempts[{index}]") for index, each in enumerate(messages)]


def _attempt(message: access_log_pb2.RefusedAttempt, path: str) -> Attempt:
    for name in ("publisher", "type", "reason"):
        keepable(present(getattr(message, name), f"{path}.{name}"), f"{path}.{name}")
    return Attempt(
        publisher=message.publisher,
        type=message.type,
        reason=message.reason,
        event_id=keepable(message.event_id, f"{path}.event_id")[:MAX_TEXT],
        persons=tuple(tuple(_identifiers(person)) for person in message.persons),
        trace_id=trace_id_of(message.traceparent),
    )


def _identifiers(person: access_log_pb2.AttemptedPerson) -> list[Identifier]:
    """Those that may lead to somebody: an event that was refused was never checked."""
    return [
        Identifier(each.scheme, each.value)
        for each in person.identifiers
        if each.scheme in SCHEMES and normalised(each.value)
    ]


def entry_message(line: AccessLine, words: Worded) -> access_log_pb2.AccessEntry:
    """A line as its person reads it; people stand in it by what they are, never by handle."""
    shows_reader = line.reader.kind in {ReaderKind.PUBLISHER, ReaderKind.SERVICE}
    return access_log_pb2.AccessEntry(
        id=line.id,
        at=timestamp(line.at),
        reader_kind=_KINDS[line.reader.kind],
        reader=line.reader.id if shows_reader else "",
        reader_name=words.reader_name,
        action=_ACTIONS[line.action],
        purpose=line.purpose,
        purpose_name=words.purpose_name,
        lawful_basis=line.lawful_basis,
        fields=line.fields,
        event_id=line.event_id,
        prompt_id=line.prompt_id,
        trace_id=line.trace_id,
        reason=line.reason,
        sentence=words.sentence,
    )
