"""Refusals carry a code and fields over the wire, and a domain's errors are mapped by one table."""

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc.aio import AioRpcError, Metadata

from services.kit.rpc_status import (
    RpcRefused,
    details_of,
    fields_of,
    map_errors,
    reason_of,
    wire_status,
)


class BakeryError(Exception):
    """The root."""


class NoFlour(BakeryError):
    """A leaf."""


TABLE = {
    BakeryError: (grpc.StatusCode.FAILED_PRECONDITION, "bakery_closed"),
    NoFlour: (grpc.StatusCode.RESOURCE_EXHAUSTED, "no_flour"),
}


def received(refused, trace_id=""):
    status = wire_status(refused, trace_id)
    return AioRpcError(
        status.code, Metadata(), Metadata(*status.trailing_metadata), status.details, ""
    )


def test_code_and_fields_arrive():
    error = received(
        RpcRefused(grpc.StatusCode.INVALID_ARGUMENT, "recipe_invalid", "no", [("salt", "too_much")])
    )

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == "no"
    assert reason_of(error) == "recipe_invalid"
    assert fields_of(error) == [("salt", "too_much")]


def test_a_field_has_its_code_and_a_sentence():
    refused = RpcRefused(
        grpc.StatusCode.INVALID_ARGUMENT, "c", fields=[("/a", "no_salt", "has no salt")]
    )

    (violation,) = details_of(received(refused), error_details_pb2.BadRequest).field_violations

    assert (violation.field, violation.reason) == ("/a", "no_salt")
    assert violation.description == "has no salt"


def test_more_fields_than_a_client_takes_are_left_out():
    fields = [(f"/{number:03d}", "too_much", "x" * 60) for number in range(200)]
    error = received(RpcRefused(grpc.StatusCode.INVALID_ARGUMENT, "c", fields=fields))

    told = fields_of(error)

    assert 20 < len(told) < 200
    assert told == [(path, code) for path, code, _ in fields[: len(told)]]
    assert sum(len(value) for _, value in error.trailing_metadata()) * 4 / 3 < 8 * 1024


def test_when_to_ask_again_is_told_where_waiting_helps():
    later = RpcRefused(grpc.StatusCode.UNAVAILABLE, "no_flour", retry_after_seconds=3)
    never = RpcRefused(grpc.StatusCode.NOT_FOUND, "loaf_unknown")

    told = details_of(received(later), error_details_pb2.RetryInfo)

    assert told.retry_delay.ToSeconds() == 3
    assert details_of(received(never), error_details_pb2.RetryInfo) is None


def test_a_refusal_without_words_uses_those_of_its_code():
    assert RpcRefused(grpc.StatusCode.NOT_FOUND, "loaf_unknown").detail == "loaf unknown"


def test_an_error_of_somebody_else_has_no_reason():
    error = AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata(), "gone", "")

    assert reason_of(error) is None
    assert fields_of(error) == []


@pytest.mark.parametrize("status", [each for each in grpc.StatusCode if each.value[0]])
def test_every_status_can_be_sent(status):
    assert received(RpcRefused(status, "some_code")).code() is status


@pytest.mark.parametrize(
    ("raised", "code"), [(NoFlour("SECRET"), "no_flour"), (BakeryError("SECRET"), "bakery_closed")]
)
def test_the_most_specific_row_wins_and_its_words_stay_here(raised, code):
    with pytest.raises(RpcRefused) as refused, map_errors(TABLE):
        raise raised

    assert refused.value.code == code
    assert refused.value.__cause__ is raised
    assert "SECRET" not in refused.value.detail


def test_what_the_table_does_not_name_passes():
    with pytest.raises(KeyError), map_errors(TABLE):
        raise KeyError("x")


async def test_an_async_method_is_decorated():
    @map_errors(TABLE)
    async def bake(flour):
        if not flour:
            raise NoFlour
        return "bread"

    assert await bake(flour=1) == "bread"
    assert bake.__name__ == "bake"
    with pytest.raises(RpcRefused):
        await bake(flour=0)


async def test_an_async_generator_is_decorated():
    @map_errors(TABLE)
    async def loaves():
        yield 1
        raise NoFlour

    baking = loaves()

    assert await anext(baking) == 1
    with pytest.raises(RpcRefused):
        await anext(baking)


async def test_a_decorated_generator_closes_the_one_inside():
    closed = []

    @map_errors(TABLE)
    async def loaves():
        try:
            yield 1
        finally:
            closed.append(True)

    baking = loaves()
    await anext(baking)
    await baking.aclose()

    assert closed == [True]
