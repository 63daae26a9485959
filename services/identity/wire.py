"""Between the messages of the contracts and the words of the domain."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from joinedup.identity.v1 import permission_set_pb2, permissions_pb2, subjects_pb2
from services.identity.domain.agreement import LANGUAGES, Agreement
from services.identity.domain.birth_date import is_partial_date
from services.identity.domain.errors import FieldInvalid
from services.identity.domain.identifier import Identifier, check_identifier
from services.identity.domain.life_event import LifeEvent, OtherName, Person, Reason
from services.identity.domain.permission import Choice, Flag, Permission, PermissionSet, Terms
from services.identity.domain.permission_history import Entry
from services.identity.domain.resolution import Resolution
from services.identity.handlers.register_person import Registration

PERMISSIONS: Final = "permissions.v1"
PERMISSION_SET_TYPE: Final = permission_set_pb2.PermissionSet.DESCRIPTOR.full_name
NATIONS: Final = frozenset({"E", "W", "S", "NI"})
SEXES: Final = frozenset({"", "F", "M"})
MAX_EVENTS: Final = 500
MAX_PERSONS: Final = 32
MAX_IDENTIFIERS: Final = 8
MAX_OTHER_NAMES: Final = 10
NAME_KINDS: Final = frozenset({"birth", "previous", "known_as"})
MAX_TEXT: Final = 200

_CHOICES: Final = {
    Choice.UNSAID: permission_set_pb2.CHOICE_UNSPECIFIED,
    Choice.GIVEN: permission_set_pb2.CHOICE_GIVEN,
    Choice.WITHDRAWN: permission_set_pb2.CHOICE_WITHDRAWN,
}
_FLAGS: Final = {Flag.DECEASED: permission_set_pb2.FLAG_DECEASED}


def life_event_of(request: subjects_pb2.ResolveRequest, now: datetime) -> LifeEvent:
    """The event of a request; raises FieldInvalid. One without a register's time has `now`."""
    for name in ("event_id", "type", "publisher", "occurred"):
        present(getattr(request, name), name)
    if not 1 <= len(request.persons) <= MAX_PERSONS:
        raise FieldInvalid("persons", "list_length")
    dated = request.HasField("registered_at")
    return LifeEvent(
        event_id=request.event_id,
        type=request.type,
        publisher=request.publisher,
        occurred=request.occurred,
        registered_at=_instant(request.registered_at) if dated else now,
        reason=_one_of(Reason, request.reason, "reason"),
        nation=_allowed(request.nation, NATIONS, "nation"),
        persons=tuple(_person(each, "persons", i) for i, each in enumerate(request.persons)),
        supersedes=request.supersedes,
        facts=_plain(request.facts),
        sequence=_sequence(request.sequence),
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
        nation=_allowed(request.nation, NATIONS, "nation"),
    )


def terms_of(request: permissions_pb2.GiveRequest) -> Terms:
    """What a person agrees to."""
    ends = request.HasField("expires_at")
    return Terms(
        purpose=request.purpose,
        controller=request.controller,
        agreement_hash=request.agreement_hash,
        channels=tuple(request.channels),
        expires_at=_instant(request.expires_at, "expires_at") if ends else None,
    )


def language_of(text: str) -> str:
    """The language asked for, English where none is; raises FieldInvalid."""
    return _allowed(text or LANGUAGES[0], LANGUAGES, "language")


def present(text: str, path: str) -> str:
    """The text, which must be there and not too long; raises FieldInvalid."""
    if not text:
        raise FieldInvalid(path, "field_required")
    if len(text) > MAX_TEXT:
        raise FieldInvalid(path, "text_too_long")
    return text


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


def permission_message(permission: Permission) -> permission_set_pb2.Permission:
    """One row."""
    return permission_set_pb2.Permission(
        purpose=permission.purpose,
        controller=permission.controller,
        choice=_CHOICES[permission.choice],
        epoch=permission.epoch,
        lawful_basis=permission.lawful_basis,
        channels=permission.channels,
        expires_at=timestamp(permission.expires_at),
        agreement_hash=permission.agreement_hash,
    )


def permission_set_message(held: PermissionSet) -> permission_set_pb2.PermissionSet:
    """A whole set."""
    return permission_set_pb2.PermissionSet(
        subject=held.subject,
        serial=held.serial,
        permissions=map(permission_message, held.permissions),
        flags=[_FLAGS[flag] for flag in sorted(held.flags)],
    )


def permission_set_bytes(held: PermissionSet) -> bytes:
    """A whole set as it stands on the log."""
    return permission_set_message(held).SerializeToString(deterministic=True)


def permission_set_from(value: bytes) -> permission_set_pb2.PermissionSet:
    """The message that `permission_set_bytes` wrote."""
    return permission_set_pb2.PermissionSet.FromString(value)


def offer_messages(agreements: Iterable[Agreement], language: str) -> list[permissions_pb2.Offer]:
    """What one may choose, in one language."""
    return [
        permissions_pb2.Offer(
            purpose=each.purpose,
            controller=each.controller,
            purpose_name=each.purpose_name[language],
            controller_name=each.controller_name[language],
            text=each.text[language],
            agreement_hash=each.hash,
        )
        for each in agreements
    ]


def change_message(entry: Entry) -> permissions_pb2.PermissionChange:
    """One change of the history."""
    return permissions_pb2.PermissionChange(
        serial=entry.serial,
        purpose=entry.purpose,
        controller=entry.controller,
        choice=_CHOICES[entry.choice],
        epoch=entry.epoch,
        at=timestamp(entry.at),
        signed_by=entry.signed_by,
        hash=entry.hash,
        previous_hash=entry.previous_hash,
    )


def timestamp(moment: datetime | None) -> Timestamp | None:
    """An instant as the contracts write it."""
    if moment is None:
        return None
    written = Timestamp()
    written.FromDatetime(moment.astimezone(UTC))
    return written


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
    if birth_date and not is_partial_date(birth_date):
        raise FieldInvalid("birth_date", "date_invalid")
    return Person(
        role=person.role,
        identifiers=identifiers,
        given=tuple(name.given),
        family=name.family,
        birth_date=birth_date,
        postcode=person.postcode,
        sex=_allowed(person.sex, SEXES, "sex"),
        other_names=_other_names(person.other_names) if person.other_names else (),
    )


def _other_names(names: Sequence[subjects_pb2.OtherName]) -> tuple[OtherName, ...]:
    if len(names) > MAX_OTHER_NAMES:
        raise FieldInvalid("other_names", "list_too_long")
    return tuple(
        OtherName(
            kind=_allowed(each.kind, NAME_KINDS, f"other_names[{index}].kind"),
            given=tuple(each.name.given),
            family=each.name.family,
        )
        for index, each in enumerate(names)
    )


def _plain(facts: Struct) -> dict[str, Any]:
    """Facts with whole numbers as such: the message knows only fractions."""
    found: dict[str, Any] = {}
    for name, value in facts.fields.items():
        kind = value.WhichOneof("kind")
        if kind in {"string_value", "bool_value"}:
            found[name] = getattr(value, kind)
        else:
            found[name] = _whole(MessageToDict(value))
    return found


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _sequence(number: int) -> int:
    if number < 0:
        raise FieldInvalid("sequence", "value_not_allowed")
    return number


def _allowed(text: str, allowed: Iterable[str], path: str) -> str:
    if text not in allowed:
        raise FieldInvalid(path, "value_not_allowed")
    return text


def _one_of(kind: type[Reason], text: str, path: str) -> Reason:
    try:
        return kind(text)
    except ValueError:
        raise FieldInvalid(path, "value_not_allowed") from None


def _instant(moment: Timestamp, path: str = "registered_at") -> datetime:
    try:
        return moment.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise FieldInvalid(path, "time_invalid") from None
