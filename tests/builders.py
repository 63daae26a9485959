"""The one place where test data is made: small, named functions with overrides."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joinedup.identity.v1 import subjects_pb2
from services.identity.domain.permission import PermissionSet, Terms
from services.kit.ids import new_random_id

if TYPE_CHECKING:
    from google.protobuf.message import Message

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

BIRTH = "civil-registration.birth.registered.v1"
DEATH = "civil-registration.death.registered.v1"
LOSS = "civil-registration.pregnancy-loss.registered.v1"
MOVE = "residence.address.moved.v1"
BENEFIT = "benefit.universal-credit.awarded.v1"

_EXAMPLES = Path(__file__).resolve().parents[1] / "protos" / "examples" / "events"


def an_event_body(example: str = "birth", **changed: Any) -> dict[str, Any]:
    """A golden event as a department sends it; `data` is merged, all else replaced."""
    body: dict[str, Any] = json.loads((_EXAMPLES / f"{example}.json").read_bytes())
    told = {**body["data"], **changed.pop("data", {})}
    return {**body, "data": told, **changed}


BASIS = "explicit_consent"


def some_terms(**changed: Any) -> Terms:
    """What a person agrees to: family, HMRC, every channel, for good."""
    terms: dict[str, Any] = {"purpose": "family", "controller": "hmrc", "agreement_hash": "a" * 64}
    return Terms(**terms | changed)


def an_empty_set(**changed: Any) -> PermissionSet:
    """Somebody who was never asked."""
    return PermissionSet(**{"subject": "a" * 26} | changed)


def a_nino(number: int) -> subjects_pb2.Identifier:
    """A NINO of the range that is never issued."""
    return subjects_pb2.Identifier(scheme="nino", value=f"QQ{number:06d}C")


def an_nhs_number(number: int) -> subjects_pb2.Identifier:
    """An NHS number of the range that is never issued."""
    return subjects_pb2.Identifier(scheme="nhs-number", value=f"999{number:07d}")


def a_child(name: str = "Ada", born: str = "2026-11-18", **changed: Any) -> subjects_pb2.Person:
    """A child as a birth entry has it; no name, no forename."""
    given = [name] if name else []
    about: dict[str, Any] = {
        "role": "child",
        "name": subjects_pb2.PersonName(given=given, family="Bevan"),
        "birth_date": born,
    }
    return subjects_pb2.Person(**about | changed)


def a_mother(*identifiers: subjects_pb2.Identifier, **changed: Any) -> subjects_pb2.Person:
    """A mother as a birth entry has her."""
    about: dict[str, Any] = {
        "role": "mother",
        "identifiers": identifiers,
        "name": subjects_pb2.PersonName(given=["Mair"], family="Bevan"),
        "birth_date": "1994-02-03",
        "postcode": "CF10 1AA",
    }
    return subjects_pb2.Person(**about | changed)


def a_birth(*persons: subjects_pb2.Person, **changed: Any) -> subjects_pb2.ResolveRequest:
    """A birth of the persons given, for identity to resolve."""
    facts = {"multiple_birth": False}
    return a_resolve_request(BIRTH, persons, facts, **changed)


def a_death(*identifiers: subjects_pb2.Identifier, **changed: Any) -> subjects_pb2.ResolveRequest:
    """A death of whoever the identifiers mean, for identity to resolve."""
    deceased = subjects_pb2.Person(role="deceased", identifiers=identifiers)
    return a_resolve_request(DEATH, [deceased], {"certificate": "final"}, **changed)


def a_baby(name: str = "", born: str = "2026-11-18", **changed: Any) -> subjects_pb2.Person:
    """A baby that died, as the event of the loss has it; no name, no forename."""
    return a_child(name, born, **{"role": "baby"} | changed)


def a_loss(*persons: subjects_pb2.Person, **changed: Any) -> subjects_pb2.ResolveRequest:
    """The loss of a baby of the persons given, for identity to resolve."""
    about = {"publisher": "nhs", "occurred": "2026-11-19"} | changed
    return a_resolve_request(LOSS, persons, {"loss": "neonatal_death"}, **about)


def a_resolve_request(
    type_: str, persons: Any, facts: dict[str, Any], **changed: Any
) -> subjects_pb2.ResolveRequest:
    """An admitted event with a fresh id."""
    about: dict[str, Any] = {
        "event_id": new_random_id(),
        "type": type_,
        "publisher": "gro",
        "occurred": "2026-11-18",
        "registered_at": NOW,
        "reason": "registered",
        "nation": "W",
        "persons": persons,
    }
    request = subjects_pb2.ResolveRequest(**about | changed)
    request.facts.update(facts)
    return request


def a_register_request(
    *identifiers: subjects_pb2.Identifier, **changed: Any
) -> subjects_pb2.RegisterRequest:
    """Somebody in Wales who reads Welsh, for an operator to register."""
    about: dict[str, Any] = {
        "person": subjects_pb2.Person(identifiers=identifiers),
        "language": "cy",
        "nation": "W",
    }
    return subjects_pb2.RegisterRequest(**about | changed)


def reread(message: Message) -> Any:
    """The message after a way through bytes."""
    return type(message).FromString(message.SerializeToString())
