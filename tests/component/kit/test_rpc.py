"""The door of a gRPC server, knocked at by a real client over loopback."""

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from opentelemetry.trace import SpanKind, StatusCode

from services.kit import rpc, telemetry
from services.kit.access import RpcsMissingFromTable
from services.kit.run import CannotStart
from services.kit.service_tokens import TokenSigner, generate_keypair
from tests.component.kit.bakery import NAME, NOW, ROWS, Bakery, unary


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("shop", "thief", "people"):
        generate_keypair(folder / f"{name}.private.pem", folder / f"{name}.public.pem")
    return folder


@pytest.fixture
async def bakery(keys):
    async with Bakery(keys) as running:
        yield running


async def refusal(call: Any) -> tuple[grpc.StatusCode, str | None]:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return raised.value.code(), rpc.reason_of(raised.value)


async def test_a_permitted_service_is_served_and_known_by_name(bakery):
    answer = await unary(bakery.channel(bakery.token()), "Bake")(StringValue(value="bread"))

    assert answer.value == "bread for shop"


async def test_a_call_without_a_deadline_is_refused(bakery):
    call = unary(bakery.raw_channel(), "Bake")(
        StringValue(), metadata=(("authorization", f"Bearer {bakery.token()}"),)
    )

    assert await refusal(call) == (grpc.StatusCode.INVALID_ARGUMENT, "deadline_required")


async def test_a_deadline_beyond_half_an_hour_is_refused(bakery):
    call = unary(bakery.channel(bakery.token(), deadline=3600), "Bake")(StringValue())

    assert await refusal(call) == (grpc.StatusCode.INVALID_ARGUMENT, "deadline_too_long")


async def test_a_call_without_a_token_is_refused(bakery):
    call = unary(bakery.channel(), "Bake")(StringValue())

    assert await refusal(call) == (grpc.StatusCode.UNAUTHENTICATED, "token_missing")


async def test_a_service_that_is_not_in_the_row_is_refused(bakery):
    call = unary(bakery.channel(bakery.token("thief")), "Bake")(StringValue())

    assert await refusal(call) == (grpc.StatusCode.PERMISSION_DENIED, "caller_not_allowed")


async def test_a_token_for_another_service_is_refused(bakery):
    call = unary(bakery.channel(bakery.token(audience="dairy")), "Bake")(StringValue())

    assert await refusal(call) == (grpc.StatusCode.UNAUTHENTICATED, "token_audience")


async def test_a_person_is_known_by_their_handle_and_refused_elsewhere(bakery):
    people = TokenSigner("identity", bakery.keys / "people.private.pem", "person+jwt", 900)
    token = people.sign("joinedup-person", NOW, {"sub": "somebody", "jti": "1"})
    channel = bakery.channel(token)

    answer = await unary(channel, "Taste")(StringValue())

    assert answer.value == "somebody"
    assert await refusal(unary(channel, "Bake")(StringValue())) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "caller_not_allowed",
    )


async def test_an_open_method_needs_no_token(bakery):
    await unary(bakery.channel(), "Smell")(StringValue())


async def test_whom_the_service_believes_itself_reaches_it_without_the_doors_token(bakery):
    supply = unary(bakery.raw_channel(), "Supply")
    metadata = (("authorization", "Bearer of-their-own"), ("authorization", "Bearer second"))

    known = await supply(StringValue(), timeout=5, metadata=metadata)
    unknown = await supply(StringValue(), timeout=5)

    assert (known.value, unknown.value) == ("Bearer of-their-own", "nobody")
    assert await refusal(supply(StringValue())) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "deadline_required",
    )


async def test_a_server_without_a_verifier_believes_no_token(keys):
    async with Bakery(keys, verifier=None) as bakery:
        channel = bakery.channel(bakery.token())

        assert (await unary(channel, "Supply")(StringValue())).value.startswith("Bearer ")
        assert await refusal(unary(channel, "Bake")(StringValue())) == (
            grpc.StatusCode.PERMISSION_DENIED,
            "caller_not_allowed",
        )


async def test_a_token_of_the_call_comes_before_the_channels(bakery):
    call = unary(bakery.channel(bakery.token()), "Bake")(
        StringValue(), metadata=(("authorization", f"Bearer {bakery.token('thief')}"),)
    )

    assert (await refusal(call))[1] == "caller_not_allowed"


async def test_an_oversized_message_is_refused(bakery):
    call = unary(bakery.channel(bakery.token()), "Bake")(StringValue(value="x" * 300 * 1024))

    assert (await refusal(call))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_oversized_metadata_is_refused_and_the_server_lives(bakery):
    channel = bakery.channel(bakery.token())
    call = unary(channel, "Bake")(StringValue(), metadata=(("x-crumbs", "x" * 20_000),))

    assert (await refusal(call))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await unary(channel, "Bake")(StringValue(value="bread"))).value == "bread for shop"


@pytest.mark.parametrize("kind", ["unary_unary", "stream_unary"])
async def test_a_truncated_message_is_the_callers_fault(bakery, kind):
    method = {"unary_unary": "Bake", "stream_unary": "Fill"}[kind]
    calling = getattr(bakery.channel(bakery.token()), kind)(f"/{NAME}/{method}")
    broken = b"\x0a\xff"

    call = calling(iter([broken]) if kind == "stream_unary" else broken)

    assert await refusal(call) == (grpc.StatusCode.INVALID_ARGUMENT, "payload_malformed")


async def test_a_refusal_carries_its_code_and_fields(bakery):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await unary(bakery.channel(bakery.token()), "Bake")(StringValue(value="salt"))

    assert raised.value.details() == "the recipe has faults"
    assert rpc.reason_of(raised.value) == "recipe_invalid"
    assert rpc.fields_of(raised.value) == [
        ("salt.grams", "number_too_large"),
        ("name", "field_required"),
    ]


async def test_a_domain_error_is_mapped_without_its_words(bakery):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await unary(bakery.channel(bakery.token()), "Bake")(StringValue(value="flour"))

    assert raised.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert rpc.reason_of(raised.value) == "no_flour"
    assert "SECRET" not in str(raised.value)


async def test_a_bug_is_internal_and_says_nothing(bakery, caplog):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await unary(bakery.channel(bakery.token()), "Bake")(StringValue(value="bug"))

    assert raised.value.code() is grpc.StatusCode.INTERNAL
    assert rpc.reason_of(raised.value) == "internal"
    assert "SECRET" not in str(raised.value)
    assert [each.msg for each in caplog.records] == ["rpc failed"]


async def test_a_servicers_own_abort_keeps_its_status(bakery):
    call = unary(bakery.channel(bakery.token()), "Bake")(StringValue(value="abort"))

    assert await refusal(call) == (grpc.StatusCode.NOT_FOUND, None)


async def test_a_stream_is_served_and_its_late_error_mapped(bakery):
    call = unary(bakery.channel(bakery.token()), "Queue", "unary_stream")(StringValue(value="3"))

    seen = [(await call.read()).value for _ in range(3)]

    assert seen == ["0", "1", "2"]
    assert await refusal(call.read()) == (grpc.StatusCode.FAILED_PRECONDITION, "no_flour")


async def test_a_stream_whose_reader_leaves_is_closed_on_the_server(bakery):
    call = unary(bakery.channel(bakery.token()), "Queue", "unary_stream")(StringValue(value="1"))

    assert (await call.read()).value == "0"
    call.cancel()

    async with asyncio.timeout(2):
        await bakery.oven.closed.wait()


async def test_a_stream_without_a_token_yields_nothing(bakery):
    call = unary(bakery.channel(), "Queue", "unary_stream")(StringValue(value="1"))

    assert await refusal(call.read()) == (grpc.StatusCode.UNAUTHENTICATED, "token_missing")


async def test_the_other_kinds_of_method_are_served(bakery):
    channel = bakery.channel(bakery.token())
    words = [StringValue(value=each) for each in ("a", "b")]

    filled = await unary(channel, "Fill", "stream_unary")(iter(words))
    chatted = [each.value async for each in unary(channel, "Chat", "stream_stream")(iter(words))]
    pushed = [each.value async for each in unary(channel, "Push", "unary_stream")(words[0])]

    assert (filled.value, chatted, pushed) == ("ab", ["A", "B"], ["a"])


async def test_an_unknown_method_is_unimplemented(bakery):
    call = unary(bakery.channel(bakery.token()), "Fry")(StringValue())

    assert (await refusal(call))[0] is grpc.StatusCode.UNIMPLEMENTED


async def test_health_and_reflection_answer_without_token_or_deadline(bakery):
    channel = bakery.raw_channel()
    health = await health_pb2_grpc.HealthStub(channel).Check(
        health_pb2.HealthCheckRequest(service=NAME)
    )
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    listed = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))
    names = [each.name async for answer in listed for each in answer.list_services_response.service]

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert NAME in names


async def test_a_server_that_does_not_describe_itself_knows_no_reflection(keys):
    async with Bakery(keys, describes_itself=False) as bakery:
        channel = bakery.raw_channel()
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))

        assert (await refusal(call.read()))[0] is grpc.StatusCode.UNIMPLEMENTED


async def test_a_method_missing_from_the_table_stops_the_start(keys):
    rows = {name: callers for name, callers in ROWS.items() if not name.endswith("/Bake")}

    with pytest.raises(RpcsMissingFromTable) as raised:
        Bakery(keys).server(rows=rows)

    assert raised.value.missing == [f"{NAME}/Bake"]


async def test_a_taken_port_stops_the_start(bakery):
    with pytest.raises(CannotStart):
        bakery.server(f"127.0.0.1:{bakery.port}")


async def test_one_trace_runs_from_the_caller_to_the_server(bakery, spans):
    with telemetry.span("shop"):
        inside = telemetry.current_traceparent()
        seen = await unary(bakery.channel(), "Smell")(StringValue())

    client, server = await spans.both(f"{NAME}/Smell")
    assert (client.kind, server.kind) == (SpanKind.CLIENT, SpanKind.SERVER)
    assert server.parent.span_id == client.context.span_id
    assert server.context.trace_id == client.context.trace_id
    assert seen.value.split("-")[1] == inside.split("-")[1]
    assert client.attributes == {
        "rpc.system": "grpc",
        "rpc.service": NAME,
        "rpc.method": "Smell",
        "rpc.grpc.status_code": 0,
        "peer.service": "bakery",
    }


async def test_a_refusal_is_an_error_of_the_caller_not_of_the_server(bakery, spans):
    await refusal(unary(bakery.channel(bakery.token()), "Bake")(StringValue(value="salt")))

    client, server = await spans.both(f"{NAME}/Bake")
    assert client.status.status_code is StatusCode.ERROR
    assert server.status.status_code is StatusCode.UNSET
    assert server.attributes["joinedup.reason"] == "recipe_invalid"
    assert server.attributes["rpc.grpc.status_code"] == 3
    assert "SECRET" not in repr([client.attributes, server.attributes])


async def test_a_cancelled_stream_leaves_an_ended_span(bakery, spans, caplog):
    call = unary(bakery.channel(bakery.token()), "Queue", "unary_stream")(StringValue(value="1"))
    await call.read()
    call.cancel()

    client, server = await spans.both(f"{NAME}/Queue")
    assert server.attributes["rpc.grpc.status_code"] == grpc.StatusCode.CANCELLED.value[0]
    assert client.attributes["rpc.grpc.status_code"] == grpc.StatusCode.CANCELLED.value[0]
    assert not caplog.records


async def test_tokens_live_as_long_as_the_verifiers_clock_says(bakery):
    channel = bakery.channel(bakery.token())
    await unary(channel, "Bake")(StringValue())

    bakery.clock.advance(timedelta(seconds=61))

    assert (await refusal(unary(channel, "Bake")(StringValue())))[1] == "token_expired"
