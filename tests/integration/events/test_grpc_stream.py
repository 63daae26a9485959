"""Publishing in a stream, through the real process to the real log."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from joinedup.events.v1 import life_event_record_pb2 as record_pb
from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from services.kit.rpc_status import reason_of
from tests.builders import an_event_body
from tests.typed_event import typed
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def stub(service):
    with grpc.insecure_channel(service.target) as channel:
        yield LifeEventsStub(channel)


def in_json(number, body):
    return pb.PublishStreamRequest(number=number, cloud_event_json=json.dumps(body).encode())


def publish(service, stub, requests, publisher="gro"):
    return stub.PublishStream(iter(requests), timeout=30, metadata=service.metadata(publisher))


def test_every_event_of_a_stream_is_on_the_log_once(service, stub, log):
    requests = [in_json(number, an_event_body(id=f"stream-{number}")) for number in range(300)]
    log.new()

    answers = list(publish(service, stub, requests))

    assert [each.number for each in answers] == list(range(300))
    assert not any(each.accepted.duplicate for each in answers)
    written = [message.event_id for _, message, _ in log.events()]
    assert sorted(written) == sorted(each.accepted.event_id for each in answers)


def test_many_events_in_a_message_are_each_on_the_log_once(service, stub, log):
    bodies = [json.dumps(an_event_body(id=f"many-{n}")).encode() for n in range(200)]
    requests = [
        pb.PublishStreamRequest(
            number=first,
            cloud_event_json=bodies[first],
            following=[
                pb.PublishRequest(cloud_event_json=each) for each in bodies[first + 1 : first + 50]
            ],
        )
        for first in range(0, 200, 50)
    ]
    log.new()

    answers = list(publish(service, stub, requests))

    each = [answer for message in answers for answer in (message, *message.following)]
    assert [answer.number for answer in each] == list(range(200))
    assert not any(answer.accepted.duplicate for answer in each)
    written = [message.event_id for _, message, _ in log.events()]
    assert sorted(written) == sorted(answer.accepted.event_id for answer in each)


def test_whoever_was_cut_off_sends_the_rest_again_and_nothing_is_doubled(service, stub, log):
    requests = [in_json(number, an_event_body(id=f"resume-{number}")) for number in range(1, 41)]
    log.new()
    call = publish(service, stub, requests)
    through = [next(call).answered_through for _ in range(10)][-1]
    call.cancel()

    again = list(publish(service, stub, requests[through:]))
    while any(each.refused.try_again for each in again):
        # What was being admitted as the first call ended may be so still, and says so.
        again = list(publish(service, stub, requests[through:]))

    assert again[-1].answered_through == 40
    assert {each.WhichOneof("result") for each in again} == {"accepted"}
    ids = [message.event_id for _, message, _ in log.events()]
    assert len(set(ids)) == 40


def test_a_correction_sent_right_behind_its_original_comes_after_it(service, stub, log):
    service.identity.known["QQ123456C"] = "m" * 26
    requests: list[pb.PublishStreamRequest] = []
    for entry in range(20):
        name = f"chain-{entry}"
        requests += [
            in_json(len(requests), an_event_body(id=name)),
            in_json(
                len(requests) + 1,
                an_event_body("birth-corrected", id=f"{name}-c", data={"supersedes": name}),
            ),
            in_json(
                len(requests) + 2,
                an_event_body("birth-cancelled", id=f"{name}-x", data={"supersedes": f"{name}-c"}),
            ),
        ]
    log.new()
    asked = len(service.identity.asked)

    answers = list(publish(service, stub, requests))

    ids = [each.accepted.event_id for each in answers]
    assert [each.event_id for each in service.identity.asked[asked:]] == ids
    written = [message for key, message, _ in log.events() if key == b"m" * 26]
    assert [message.event_id for message in written] == ids
    for first, corrected, cancelled in zip(written[::3], written[1::3], written[2::3], strict=True):
        assert corrected.supersedes == first.event_id
        assert (cancelled.supersedes, cancelled.reason) == (
            corrected.event_id,
            record_pb.REASON_CANCELLED,
        )


def test_good_ones_come_in_whatever_the_others_are(service, stub, log):
    good = an_event_body(id="among-bad")
    log.new()

    answers = list(
        publish(
            service,
            stub,
            [
                in_json(1, an_event_body(id="bad", data={"nation": "X"})),
                in_json(2, good),
                pb.PublishStreamRequest(number=3, life_event=typed(good)),
                in_json(4, an_event_body(id="among-bad", data={"nation": "W"})),
                pb.PublishStreamRequest(number=5),
            ],
        )
    )

    first, second, third, fourth, fifth = answers
    assert (first.refused.code, first.refused.faults[0].pointer) == (
        "value_not_allowed",
        "/data/nation",
    )
    assert (second.accepted.duplicate, third.accepted.duplicate) == (False, True)
    assert third.accepted.event_id == second.accepted.event_id
    assert (fourth.refused.code, fourth.refused.try_again) == ("idempotency_mismatch", False)
    assert fifth.refused.code == "oneof_required"
    assert [message.event_id for _, message, _ in log.events()] == [second.accepted.event_id]


def test_streams_beside_each_other_admit_an_event_once(service, stub, log):
    requests = [in_json(number, an_event_body(id=f"beside-{number}")) for number in range(60)]
    log.new()

    with ThreadPoolExecutor(4) as pool:
        streams = [pool.submit(list, publish(service, stub, requests)) for _ in range(4)]
        answers = [stream.result() for stream in streams]

    refused = {each.refused.code for told in answers for each in told if each.HasField("refused")}
    assert refused <= {"idempotency_in_progress"}
    assert len({message.event_id for _, message, _ in log.events()}) == 60
    fresh = [each for told in answers for each in told if each.HasField("accepted")]
    assert sum(not each.accepted.duplicate for each in fresh) == 60


def test_a_publisher_who_is_suspended_is_cut_off(service, stub):
    path = service.catalogue / "publishers" / "council-leeds.yaml"
    before = path.read_text()

    def requests():
        yield in_json(1, an_event_body("residence-moved", id="leeds-1"))
        eventually(lambda: not call.is_active(), 20)

    call = publish(service, stub, requests(), "council-leeds")
    assert next(call).number == 1
    try:
        path.write_text(before + "suspended: true\n")
        with pytest.raises(grpc.RpcError) as cut_off:
            next(call)
    finally:
        path.write_text(before)

    assert cut_off.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(cut_off.value) == "token_key"
