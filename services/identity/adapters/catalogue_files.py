"""The catalogue as identity reads it: event types and agreements."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from services.identity.domain.agreement import Agreement, Agreements, LawfulBasis
from services.identity.domain.event_type import CaseRule, EventType, FactRule, FenceRule, Role
from services.identity.domain.permission import Flag
from services.kit.catalogue import Catalogue, CatalogueInvalid, Document

# What must never leave identity: a decision sees an age, never a birth date.
NEVER_DERIVED = frozenset({"name", "other_names", "birth_date", "postcode"})


def event_types(catalogue_dir: Path) -> Catalogue[dict[str, EventType]]:
    """Event types by name; raises CatalogueInvalid."""
    schema = catalogue_dir / "schema" / "event-type.schema.json"
    return Catalogue(catalogue_dir / "events", schema, _event_types)


def agreements(catalogue_dir: Path) -> Catalogue[Agreements]:
    """Agreements by purpose and controller; raises CatalogueInvalid."""
    schema = catalogue_dir / "schema" / "agreement.schema.json"
    return Catalogue(catalogue_dir / "agreements", schema, _agreements)


def publishers(catalogue_dir: Path) -> Catalogue[dict[str, Mapping[str, str]]]:
    """What publishers are called, by id and language; raises CatalogueInvalid."""
    schema = catalogue_dir / "schema" / "publisher.schema.json"
    return Catalogue(catalogue_dir / "publishers", schema, _publishers)


def _publishers(documents: list[Document]) -> dict[str, Mapping[str, str]]:
    return {document.data["id"]: document.data["name"] for document in documents}


def _event_types(documents: list[Document]) -> dict[str, EventType]:
    found: dict[str, EventType] = {}
    for document in documents:
        _check_event_type(document, set(found))
        event_type = _event_type(document)
        found[event_type.name] = event_type
    return found


def _check_event_type(document: Document, seen: set[str]) -> None:
    data, roles = document.data, document.data["roles"]
    problems = []
    if data["type"] in seen:
        problems.append(document.problem("/type", "duplicate_id", "stands in another file too"))
    case, fences = data.get("case"), data.get("fences")
    named = [
        *((f"/case/members/{i}", name) for i, name in enumerate(case["members"] if case else [])),
        *([("/case/anchor", case["anchor"])] if case else []),
        *([("/fences/role", fences["role"])] if fences else []),
        *(
            (f"/record_fields/{i}/role", each["role"])
            for i, each in enumerate(data.get("record_fields", []))
        ),
    ]
    problems += [
        document.problem(pointer, "role_unknown", "is not one of the type's roles")
        for pointer, name in named
        if name not in roles
    ]
    problems += [
        document.problem(f"/derived_record/{i}", "field_forbidden", "must never leave identity")
        for i, name in enumerate(data.get("derived_record", []))
        if name in NEVER_DERIVED
    ]
    if problems:
        raise CatalogueInvalid(problems)


def _event_type(document: Document) -> EventType:
    data = document.data
    case, fences = data.get("case"), data.get("fences")
    return EventType(
        name=data["type"],
        lawful_basis=data["lawful_basis"]["basis"],
        roles={
            name: Role(
                concerned=role["concerned"],
                required=role["required"],
                schemes=frozenset(role.get("identifiers", ())),
                record=frozenset(role.get("record", ())),
                chosen_by=role.get("chosen_by"),
            )
            for name, role in data["roles"].items()
        },
        case=CaseRule(case["kind"], case["anchor"], frozenset(case["members"])) if case else None,
        fence=FenceRule(fences["role"], Flag(fences["flag"])) if fences else None,
        record_fields=tuple(
            FactRule(each["role"], each["fact"], each["field"])
            for each in data.get("record_fields", ())
        ),
        derived_record=tuple(data.get("derived_record", ())),
        title=data["title"],
        labels=dict(_labels(data)),
    )


def _labels(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Facts that have a title, under their own name and that of the field they feed."""
    facts = data["facts"].get("properties", {})
    titled = {name: fact["x-title"] for name, fact in facts.items() if "x-title" in fact}
    yield from ((f"facts.{name}", title) for name, title in titled.items())
    for rule in data.get("record_fields", ()):
        if rule["fact"] in titled:
            yield rule["field"], titled[rule["fact"]]


def _agreements(documents: list[Document]) -> Agreements:
    found: dict[tuple[str, str], Agreement] = {}
    for document in documents:
        data = document.data
        for index, controller in enumerate(data["controllers"]):
            agreement = Agreement(
                purpose=data["purpose"],
                controller=controller["id"],
                lawful_basis=LawfulBasis(controller["lawful_basis"]),
                purpose_name=data["name"],
                controller_name=controller["name"],
                text=controller["text"],
            )
            if agreement.key in found:
                problem = document.problem(
                    f"/controllers/{index}/id", "duplicate_id", "is offered already"
                )
                raise CatalogueInvalid([problem])
            found[agreement.key] = agreement
    return found
