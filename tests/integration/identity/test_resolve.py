"""The persons of an event become handles, the same ones every time."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from joinedup.identity.v1 import subjects_pb2
from services.kit.ids import is_id, new_random_id
from services.kit.rpc import fields_of, reason_of
from tests.builders import (
    BENEFIT,
    DEATH,
    MOVE,
    a_birth,
    a_child,
    a_death,
    a_mother,
    a_nino,
    a_register_request,
    a_resolve_request,
    an_nhs_number,
)

pytestmark = pytest.mark.integration


def a_move(*identifiers, **changed):
    mover = subjects_pb2.Person(role="mover", identifiers=identifiers, postcode="CF10 1AA")
    facts = {"council_changed": True}
    return a_resolve_request(MOVE, [mover], facts, publisher="dvla", **changed)


async def test_a_registered_person_is_found_by_what_the_department_writes(identity, mair):
    written = subjects_pb2.Identifier(scheme="nino", value="qq 000001 c")

    answer = await identity.subjects.Resolve(a_birth(a_child(), a_mother(written)))

    assert [person.role for person in answer.persons] == ["mother"]
    assert answer.persons[0].subject == mair
    assert answer.persons[0].age_years == 32
    assert is_id(answer.case_id)


async def test_an_unknown_person_is_answered_exactly_like_a_known_one(identity, mair):
    known = await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(1))))
    unknown = await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(2))))

    assert unknown.ByteSize() == known.ByteSize()
    unknown.persons[0].subject, unknown.case_id = mair, known.case_id
    unknown.root_event_id = known.root_event_id
    assert unknown == known


async def test_an_unknown_person_has_no_permissions_and_is_known_from_then_on(identity):
    first = await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(2))))
    second = await identity.subjects.Resolve(a_move(a_nino(2)))

    handle = first.persons[0].subject
    assert second.persons[0].subject == handle
    [held] = await identity.snapshot(handle)
    assert (held.subject, held.serial, len(held.permissions)) == (handle, 0, 0)


async def test_the_same_event_is_always_answered_the_same(identity, mair):
    request = a_birth(a_child(), a_mother(a_nino(1)))
    before = await identity.subjects.Resolve(request)
    await identity.give(mair)

    after = await identity.subjects.Resolve(request)

    assert after == before
    assert after.persons[0].permission_serial == 0
    later = await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(1))))
    assert later.persons[0].permission_serial == 1


async def test_the_same_event_at_once_is_answered_once(identity):
    request = a_birth(a_child(), a_mother(a_nino(3)))

    answers = await asyncio.gather(*(identity.subjects.Resolve(request) for _ in range(20)))

    assert all(answer == answers[0] for answer in answers)


async def test_an_unknown_person_of_many_events_at_once_is_one_person(identity):
    births = [
        a_birth(a_child(f"Child {index % 4}"), a_mother(a_nino(4), an_nhs_number(4)))
        for index in range(20)
    ]

    answers = await asyncio.gather(*(identity.subjects.Resolve(birth) for birth in births))

    assert len({answer.persons[0].subject for answer in answers}) == 1
    assert len({answer.case_id for answer in answers}) == 4


async def test_a_child_named_at_once_by_two_numbers_of_its_mother_has_one_case(identity):
    await identity.register(a_register_request(a_nino(4), an_nhs_number(4)))
    births = [
        a_birth(a_child(f"Child {index}"), a_mother(number))
        for index in range(16)
        for number in (a_nino(4), an_nhs_number(4))
    ]

    answers = await asyncio.gather(*(identity.subjects.Resolve(birth) for birth in births))

    assert len({answer.case_id for answer in answers}) == 16


async def test_one_person_in_two_roles_of_an_event_is_one_person(identity):
    claimant, partner = (
        subjects_pb2.Person(role=role, identifiers=[a_nino(5)]) for role in ("claimant", "partner")
    )
    facts = {"award_from": "2026-11-01", "has_children": False}

    answer = await identity.subjects.Resolve(
        a_resolve_request(BENEFIT, [claimant, partner], facts, publisher="dwp")
    )

    assert [person.role for person in answer.persons] == ["claimant", "partner"]
    assert len({person.subject for person in answer.persons}) == 1


async def test_of_identifiers_that_disagree_the_strongest_is_believed_and_nobody_merged(
    identity, mair
):
    other = await identity.register(a_register_request(an_nhs_number(9)))

    answer = await identity.subjects.Resolve(
        a_birth(a_child(), a_mother(an_nhs_number(9), a_nino(1)))
    )

    assert answer.persons[0].subject == mair
    again = await identity.subjects.Resolve(a_birth(a_child(), a_mother(an_nhs_number(9))))
    assert again.persons[0].subject == other.subject


async def test_a_department_cannot_bind_an_identifier_to_a_known_person(identity, mair):
    await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(1), an_nhs_number(6))))

    answer = await identity.subjects.Resolve(a_birth(a_child(), a_mother(an_nhs_number(6))))

    assert answer.persons[0].subject != mair


async def test_an_identifier_the_source_does_not_hold_does_not_count(identity, mair):
    unheld = subjects_pb2.Identifier(scheme="utr", value="1234567890")
    await identity.register(
        subjects_pb2.RegisterRequest(
            person=subjects_pb2.Person(identifiers=[unheld]), language="en", nation="E"
        )
    )

    answers = [await identity.subjects.Resolve(a_move(unheld)) for _ in range(2)]

    assert answers[0].persons[0].subject != answers[1].persons[0].subject


async def test_two_events_about_a_child_find_its_case(identity):
    mother = a_mother(a_nino(1))
    first = await identity.subjects.Resolve(a_birth(a_child("Ada"), mother))
    again = await identity.subjects.Resolve(a_birth(a_child("ADA"), mother))
    twin = await identity.subjects.Resolve(a_birth(a_child("Ben"), mother))

    assert again.case_id == first.case_id
    assert twin.case_id != first.case_id


async def test_twins_without_a_name_have_cases_of_their_own(identity):
    births = [a_birth(a_child(""), a_mother(a_nino(1))) for _ in range(2)]

    answers = [await identity.subjects.Resolve(birth) for birth in births]

    assert answers[0].case_id != answers[1].case_id


async def test_a_correction_stays_with_the_case_even_under_another_name(identity):
    birth = a_birth(a_child(""), a_mother(a_nino(1)))
    first = await identity.subjects.Resolve(birth)

    corrected = await identity.subjects.Resolve(
        a_birth(
            a_child("Ada", "2026-11-17"),
            a_mother(a_nino(1)),
            reason="formal_correction",
            supersedes=birth.event_id,
        )
    )

    assert corrected.case_id == first.case_id


async def test_an_event_without_a_case_has_none(identity):
    assert (await identity.subjects.Resolve(a_move(a_nino(1)))).case_id == ""


@pytest.mark.parametrize(
    ("request_", "code", "path"),
    [
        (a_birth(a_child()), "role_required", "persons"),
        (
            a_birth(a_child(), a_mother(a_nino(1)), subjects_pb2.Person(role="aunt")),
            "role_unknown",
            "persons[2].role",
        ),
        (
            a_birth(a_child(born="2026-02-30"), a_mother(a_nino(1))),
            "date_invalid",
            "persons[0].birth_date",
        ),
        (a_birth(a_child(), a_mother(a_nino(1)), reason="rumour"), "value_not_allowed", "reason"),
        (a_birth(a_child(), a_mother(a_nino(1)), nation="XX"), "value_not_allowed", "nation"),
        (a_birth(a_child(), a_mother(a_nino(1)), event_id=""), "field_required", "event_id"),
        (a_birth(), "list_length", "persons"),
        (a_birth(a_child(), a_mother(), sequence=-1), "value_not_allowed", "sequence"),
        (
            a_birth(a_child(other_names=[subjects_pb2.OtherName(kind="maiden")]), a_mother()),
            "value_not_allowed",
            "persons[0].other_names[0].kind",
        ),
        (
            a_birth(a_child(other_names=[subjects_pb2.OtherName(kind="birth")] * 11), a_mother()),
            "list_too_long",
            "persons[0].other_names",
        ),
    ],
)
async def test_an_event_that_makes_no_sense_is_refused_by_field(identity, request_, code, path):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await identity.subjects.Resolve(request_)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refused.value) == code
    assert fields_of(refused.value) == [(path, code)]


async def test_a_type_the_catalogue_does_not_have_is_refused(identity):
    request = a_resolve_request("civil-registration.marriage.registered.v1", [a_child()], {})

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await identity.subjects.Resolve(request)

    assert reason_of(refused.value) == "event_type_unknown"


async def test_a_refused_event_leaves_nothing_behind(identity):
    birth = a_birth(a_child(), a_mother(a_nino(1)))
    await identity.subjects.Resolve(birth)
    stolen = a_death(a_nino(1), publisher="nrs", supersedes=birth.event_id)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await identity.subjects.Resolve(stolen)

    assert reason_of(refused.value) == "supersedes_another"
    async with identity.pool.connection() as connection:
        rows = await (await connection.execute("SELECT event_id FROM resolved_events")).fetchall()
        flags = await (await connection.execute("SELECT count(*) FROM flags")).fetchone()
    assert rows == [(birth.event_id,)]
    assert flags == (0,)


async def test_no_identifier_and_no_forename_is_kept_where_it_can_be_read(identity):
    await identity.subjects.Resolve(a_birth(a_child("Zebedee"), a_mother(a_nino(424242))))

    async with identity.pool.connection() as connection:
        tables = await (
            await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ).fetchall()
        dump = ""
        for (table,) in tables:
            rows = await (await connection.execute(f"SELECT t::text FROM {table} t")).fetchall()
            dump += f"{rows}" if table != "record_fields" else ""

    assert "424242" not in dump
    assert "zebedee" not in dump.lower()


async def test_an_event_id_of_another_length_is_only_a_name(identity):
    answer = await identity.subjects.Resolve(a_move(a_nino(8), event_id=new_random_id() * 2))

    assert is_id(answer.persons[0].subject)


@pytest.mark.parametrize("chosen", [None, False, True])
async def test_a_partner_is_told_of_a_death_by_the_informants_choice_alone(identity, chosen):
    facts = {"certificate": "final"} | ({} if chosen is None else {"partner_guidance": chosen})
    deceased = subjects_pb2.Person(role="deceased", identifiers=[a_nino(1)])
    partner = a_mother(a_nino(2), role="partner")

    answer = await identity.subjects.Resolve(a_resolve_request(DEATH, [deceased, partner], facts))

    told = [each.role for each in answer.persons]
    assert told == (["deceased", "partner"] if chosen else ["deceased"])
