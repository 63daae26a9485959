"""Events, people and cases as rows of JSON, and answered events as they are read."""

from collections.abc import Sequence
from typing import Any

from services.identity.domain.child_case import Case
from services.identity.domain.entry import Standing, Statement
from services.identity.domain.life_event import Reason
from services.identity.domain.resolution import Resolution, ResolvedPerson
from services.identity.ports import SubjectRow, Told


def minted_row(row: SubjectRow) -> dict[str, Any]:
    """A person nobody knew, and what leads to them."""
    return {
        "handle": row.handle,
        "language": row.language,
        "nation": row.nation,
        "marks": [(each.digest.hex(), each.scheme) for each in row.fingerprints],
    }


def case_row(case: Case) -> dict[str, Any]:
    """A case and all whom it joins."""
    return {
        "case_id": case.case_id,
        "kind": case.kind,
        "anchor": case.anchor,
        "birth_date": case.sketch.birth_date,
        "sex": case.sketch.sex,
        "forename_hmac": case.sketch.forename_digest and case.sketch.forename_digest.hex(),
        "members": list(case.members),
    }


def told_row(told: Told) -> dict[str, Any]:
    """A fact, the fields it feeds and whom it concerns."""
    event = told.event
    return {
        "event_id": event.event_id,
        "type": event.type,
        "publisher": event.publisher,
        "occurred": event.occurred,
        "registered_at": event.registered_at.isoformat(),
        "basis": told.lawful_basis,
        "fact_digest": told.fact_digest and told.fact_digest.hex(),
        "fields": [(*about, value) for about, value in told.fields.items()],
        "concerned": told.concerned,
    }


def answered(said: Statement, given: Resolution) -> dict[str, Any]:
    """An event as it was answered."""
    return {
        "event_id": said.event_id,
        "type": said.type,
        "publisher": said.publisher,
        "reason": said.reason,
        "supersedes": said.supersedes,
        "registered_at": said.registered_at.isoformat(),
        "sequence": said.sequence,
        "entry_id": "" if said.entry_id == said.event_id else said.entry_id,
        "case_id": said.case_id,
        "standing": said.standing,
        "root_event_id": said.root_event_id,
        "answer": {**_json(given), "handles": list(said.handles)},
    }


def statement_of(row: Sequence[Any]) -> Statement:
    """A row of an answered event as a statement of its entry."""
    event_id, type_, publisher, reason, supersedes, registered_at, sequence, *more = row
    arrival, entry_id, case_id, standing, root_event_id, answer = more
    concerned = (person["subject"] for person in answer["persons"])
    return Statement(
        event_id=event_id,
        type=type_,
        publisher=publisher,
        reason=Reason(reason),
        supersedes=supersedes,
        registered_at=registered_at,
        sequence=sequence,
        arrival=arrival,
        entry_id=entry_id,
        case_id=case_id,
        handles=frozenset(answer.get("handles") or concerned),
        standing=Standing(standing),
        root_event_id=root_event_id,
    )


def _json(resolution: Resolution) -> dict[str, Any]:
    return {
        "persons": [
            {
                "role": each.role,
                "subject": each.subject,
                "permission_serial": each.permission_serial,
                "age_years": each.age_years,
                "fulfilled_types": each.fulfilled_types,
                "record": each.record,
            }
            for each in resolution.persons
        ],
        "fenced": resolution.fenced,
    }


def resolution_of(row: Sequence[Any]) -> Resolution:
    """A row of an answered event as its answer."""
    statement, answer = statement_of(row), row[-1]
    persons = tuple(
        ResolvedPerson(**{**each, "fulfilled_types": tuple(each["fulfilled_types"])})
        for each in answer["persons"]
    )
    return Resolution(
        persons,
        statement.case_id,
        tuple(answer["fenced"]),
        statement.root_event_id,
        statement.standing,
    )
