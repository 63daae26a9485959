"""Events, the people they name, and the answers."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from google.protobuf.json_format import MessageToDict, SerializeToJsonError
from google.protobuf.struct_pb2 import Struct, Value

from joinedup.identity.v1 import subjects_pb2
from services.identity.domain.birth_date import is_partial_date
from services.identity.domain.errors import FieldInvalid
from services.identity.domain.identifier import Identifier, check_identifier
from services.identity.domain.life_event import LifeEvent, OtherName, Person, Reason
from services.identity.domain.resolution import Resolution
from services.identity.handlers.register_person import Registration
from services.identity.wire.values import (
    MAX_TEXT,
    allowed,
    instant,
    keepable,
    language_of,
    present,
    trace_id_of,
)

NATIONS: Final = frozenset({"E", "W", "S", "NI"})
SEXES: Final = frozenset({"", "F", "M"})
MAX_EVENTS: Final = 500
MAX_PERSONS: Final = 32
MAX_IDENTIFIERS: Final = 8
MAX_OTHER_NAMES: Final = 10
NAME_KINDS: Final = frozenset({"birth", "previous", "known_as"})


def life_event_of(request: subjects_pb2.ResolveRequest, now: datetime) -> LifeEvent:
    """The event of a request; raises FieldInvalid. One without a register's time has `now`."""
    for name in ("event_id", "type", "publisher", "occurred"):
        keepable(present(getattr(request, name), name), name)
    if request.supersedes:
        keepable(present(request.supersedes, "supersedes"), "supersedes")
    if not 1 <= len(request.persons) <= MAX_PERSONS:
        raise FieldInvalid("persons", "list_length")
    dated = request.HasField("registered_at")
    return LifeEvent(
        event_id=request.event_id,
        type=request.type,
        publisher=request.publisher,
        occurred=request.occurred,
        registered_at=instant(request.registered_at, "registered_at") if dated else now,
        reason=_one_of(Reason, request.reason, "reason"),
        nation=allowed(request.nation, NATIONS, "nation"),
        persons=tuple(_person(each, "persons", i) for i, each in enumerate(request.persons)),
        supersedes=request.supersedes,
        facts=_plain(request.facts),
        sequence=_sequence(request.sequence),
        trace_id=trace_id_of(request.traceparent),
    )


def life_events_of(
    request: subjects_pb2.ResolveBatchRequest, now: datetime
) -> list[LifeEvent | FieldInvalid]:
    """The events of a request, or what is wrong with one; raises FieldInvalid for the whole."""
    if len(request.events) > MAX_EVENTS:
        raise FieldInvalid("events", "list_too_long")
    ids: set[str] = set()
    for index, each in enumerate(request.events):
        if each.event_id and each.event_id in ids:
            raise FieldInvalid(f"events[{index}].event_id", "duplicate_id")
        ids.add(each.event_id)
    return [_event_or_fault(each, now) for each in request.events]


def _event_or_fault(
    request: subjects_pb2.ResolveRequest, now: datetime
) -> LifeEvent | FieldInvalid:
    try:
        return life_event_of(request, now)
    except FieldInvalid as wrong:
        return wrong


def registration_of(request: subjects_pb2.RegisterRequest, issuer: str) -> Registration:
    """Who is to be registered; raises FieldInvalid."""
    if not request.person.identifiers and not request.oidc_sub:
        raise FieldInvalid("person.identifiers", "field_required")
    if len(request.oidc_sub) > MAX_TEXT:
        raise FieldInvalid("oidc_sub", "text_too_long")
    return Registration(
        person=_person(request.person, "person"),
        issuer=issuer,
        sub=request.oidc_sub,
        language=language_of(request.language),
        nation=allowed(request.nation, NATIONS, "nation"),
    )


def resolve_response(resolution: Resolution) -> subjects_pb2.ResolveResponse:
    """The answer to an event."""
    response = subjects_pb2.ResolveResponse(
        case_id=resolution.case_id,
        root_event_id=resolution.root_event_id,
        standing=resolution.standing,
    )
    for each in resolution.persons:
        person = response.persons.add(
            role=each.role,
            subject=each.subject,
            permission_serial=each.permission_serial,
            age_years=each.age_years,
            fulfilled_types=each.fulfilled_types,
        )
        person.record.update(dict(each.record))
    return response


def _person(person: subjects_pb2.Person, path: str, place: int | None = None) -> Person:
    try:
        return _read(person)
    except FieldInvalid as wrong:
        path = path if place is None else f"{path}[{place}]"
        raise FieldInvalid(f"{path}.{wrong.path}", wrong.code) from None


def _read(person: subjects_pb2.Person) -> Person:
    """The person; the path of a FieldInvalid begins with the person's own field."""
    if len(person.identifiers) > MAX_IDENTIFIERS:
        raise FieldInvalid("identifiers", "list_length")
    identifiers = tuple(Identifier(each.scheme, each.value) for each in person.identifiers)
    for index, each in enumerate(identifiers):
        check_identifier(each, f"identifiers[{index}]")
    name, birth_date = person.name, person.birth_date
    others = person.other_names
    keepable("".join((name.family, person.postcode, *name.given)), "name")
    if birth_date and not is_partial_date(birth_date):
        raise FieldInvalid("birth_date", "date_invalid")
    return Person(
        role=person.role,
        identifiers=identifiers,
        given=tuple(name.given),
        family=name.family,
        birth_date=birth_date,
        postcode=person.postcode,
        sex=allowed(person.sex, SEXES, "sex"),
        other_names=_other_names(others) if others else (),
    )


def _other_names(names: Sequence[subjects_pb2.OtherName]) -> tuple[OtherName, ...]:
    if len(names) > MAX_OTHER_NAMES:
        raise FieldInvalid("other_names", "list_too_long")
    for index, each in enumerate(names):
        allowed(each.kind, NAME_KINDS, f"other_names[{index}].kind")
        keepable("".join((each.name.family, *each.name.given)), f"other_names[{index}]")
    return tuple(OtherName(each.kind, tuple(each.name.given), each.name.family) for each in names)


def _plain(facts: Struct) -> dict[str, Any]:
    """Facts with whole numbers as such: the message knows only fractions."""
    found: dict[str, Any] = {}
    for name, value in facts.fields.items():
        kind = value.WhichOneof("kind")
        if kind == "string_value":
            found[name] = keepable(value.string_value, f"facts.{name}")
        elif kind == "bool_value":
            found[name] = value.bool_value
        else:
            found[name] = _whole(_read_fact(value, f"facts.{name}"))
    return found


def _read_fact(value: Value, path: str) -> Any:
    try:
        read = MessageToDict(value)
    except (SerializeToJsonError, ValueError):
        # No JSON has an infinite number, or one that is none.
        raise FieldInvalid(path, "value_not_allowed") from None
    keepable("".join(_texts(read)), path)
    return read


def _texts(fact: Any) -> Iterator[str]:
    if isinstance(fact, str):
        yield fact
    elif isinstance(fact, list | dict):
        for each in fact if isinstance(fact, list) else (*fact, *fact.values()):
            yield from _texts(each)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _sequence(number: int) -> int:
    if number < 0:
        raise FieldInvalid("sequence", "value_not_allowed")
    return number


def _one_of(kind: type[Reason], text: str, path: str) -> Reason:
    try:
        return kind(text)
    except ValueError:
        raise FieldInvalid(path, "value_not_allowed") from None
