"""People are registered once, whoever brings them and however often."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from joinedup.identity.v1 import subjects_pb2
from services.kit.ids import is_id
from services.kit.rpc import fields_of, reason_of
from tests.builders import a_birth, a_child, a_mother, a_nino, a_register_request, an_nhs_number

pytestmark = pytest.mark.integration


async def test_registering_again_finds_the_same_person(identity):
    first = await identity.register(a_register_request(a_nino(1), oidc_sub="mair"))
    by_number = await identity.register(
        a_register_request(subjects_pb2.Identifier(scheme="nino", value="qq 00 00 01 c"))
    )
    by_account = await identity.register(a_register_request(oidc_sub="mair"))

    assert is_id(first.subject)
    assert not first.existing
    assert by_number == by_account
    assert (by_number.subject, by_number.existing) == (first.subject, True)


async def test_registering_at_once_makes_one_person(identity):
    request = a_register_request(a_nino(1), oidc_sub="mair")

    answers = await asyncio.gather(*(identity.register(request) for _ in range(12)))

    assert len({answer.subject for answer in answers}) == 1
    assert [answer.existing for answer in answers].count(False) == 1


async def test_an_operator_adds_identifiers_to_a_known_person(identity):
    first = await identity.register(a_register_request(a_nino(1)))

    await identity.register(a_register_request(a_nino(1), an_nhs_number(1)))

    found = await identity.register(a_register_request(an_nhs_number(1)))
    assert found.subject == first.subject


async def test_an_identifier_of_somebody_else_stays_theirs(identity):
    mair = await identity.register(a_register_request(a_nino(1)))
    other = await identity.register(a_register_request(an_nhs_number(2)))

    both = await identity.register(a_register_request(an_nhs_number(2), a_nino(1)))

    assert both.subject == mair.subject
    again = await identity.register(a_register_request(an_nhs_number(2)))
    assert again.subject == other.subject


@pytest.mark.parametrize(
    "request_",
    [
        a_register_request(a_nino(2), oidc_sub="mair"),
        a_register_request(a_nino(1), oidc_sub="somebody-else"),
    ],
    ids=["an account of somebody else", "a second account"],
)
async def test_an_account_and_a_person_belong_together_for_good(identity, request_):
    await identity.register(a_register_request(a_nino(1), oidc_sub="mair"))
    await identity.register(a_register_request(a_nino(2), oidc_sub="owen"))

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await identity.register(request_)

    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert reason_of(refused.value) == "sign_in_conflict"


async def test_an_account_can_be_bound_to_whom_only_an_event_named(identity):
    answer = await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(7))))

    registered = await identity.register(a_register_request(a_nino(7), oidc_sub="mair"))

    assert registered.existing
    assert registered.subject == answer.persons[0].subject


@pytest.mark.parametrize(
    ("changed", "path", "code"),
    [
        ({"language": "fr"}, "language", "value_not_allowed"),
        ({"nation": "IE"}, "nation", "value_not_allowed"),
        ({"person": subjects_pb2.Person()}, "person.identifiers", "field_required"),
    ],
)
async def test_a_registration_that_makes_no_sense_names_the_field(identity, changed, path, code):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await identity.register(a_register_request(a_nino(1), **changed))

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert fields_of(refused.value) == [(path, code)]


async def test_a_wrong_identifier_is_not_repeated_in_the_error(identity):
    marker = "999SECRET"
    person = subjects_pb2.Person(
        identifiers=[subjects_pb2.Identifier(scheme="passport", value=marker)]
    )

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await identity.register(a_register_request(person=person))

    assert fields_of(refused.value) == [("person.identifiers[0].scheme", "scheme_unknown")]
    assert marker not in f"{refused.value}{refused.value.trailing_metadata()}"


async def test_only_an_operator_may_register(identity):
    stub = identity.subjects

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Register(a_register_request(a_nino(1)))

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
