"""A publisher keeps trying under the same event, and knows when trying is useless."""

import contextlib
import json
import socket
import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from joinedup.client import AsyncPublisher, NoLocalPlatform, Publisher, Refused, Unavailable
from joinedup.client.backoff import Backoff
from tests.component.client.counter import ACCEPTED, EVENT_ID, Counter

KEY = ECKey.generate_key("P-256")
EVENT = {"specversion": "1.0", "id": "GRO-1", "data": {"name": "Llŷr"}}
AWAY = (503, {"code": "log_unavailable", "title": "the log is away"})
FAST = Backoff(first=0.001, longest=0.01)


@pytest.fixture
def counter():
    opened = Counter(KEY)
    with contextlib.closing(opened):
        yield opened


def a_publisher(counter, kind=Publisher, **options):
    options = {"patience_seconds": 5.0, "backoff": FAST, "url": counter.url, **options}
    return kind("gro", key=KEY.as_pem(private=True), **options)


async def publish(kind, counter, event=EVENT, **options):
    """Publish with either kind of publisher."""
    publisher = a_publisher(counter, kind, **options)
    if kind is Publisher:
        with publisher:
            return publisher.publish(event)
    async with publisher:
        return await publisher.publish(event)


both = pytest.mark.parametrize("kind", [Publisher, AsyncPublisher])


@both
async def test_an_event_that_is_taken_answers_with_its_id(kind, counter):
    counter.answers.append(ACCEPTED)

    receipt = await publish(kind, counter)

    assert receipt.event_id == EVENT_ID
    assert receipt.status_url == f"{counter.url}/v1/events/{EVENT_ID}"
    assert receipt.duplicate is False
    assert json.loads(counter.bodies[0]) == EVENT
    assert counter.headers[0]["content-type"] == "application/cloudevents+json"


@both
@pytest.mark.parametrize("trouble", [AWAY, (429, {}), (409, {}), (500, {}), (None, None)])
async def test_trouble_that_passes_is_tried_again_with_the_same_bytes(kind, trouble, counter):
    counter.answers.extend([trouble, trouble, ACCEPTED])

    receipt = await publish(kind, counter)

    assert receipt.event_id == EVENT_ID
    assert len(set(counter.bodies)) == 1
    assert len(counter.bodies) == 3


@both
async def test_every_try_shows_a_token_of_its_own(kind, counter):
    counter.answers.extend([AWAY, AWAY, ACCEPTED])

    await publish(kind, counter)

    assert len(set(counter.token_ids())) == 3


@both
async def test_an_expired_token_is_signed_anew(kind, counter):
    counter.answers.extend([(401, {"code": "token_expired"}), ACCEPTED])

    assert (await publish(kind, counter)).event_id == EVENT_ID


@both
async def test_a_refusal_is_not_tried_again(kind, counter):
    fault = {"pointer": "/data/facts/x", "code": "field_unknown", "detail": "no such field"}
    counter.answers.append((422, {"code": "invalid", "detail": "no", "errors": [fault]}))

    with pytest.raises(Refused) as refused:
        await publish(kind, counter)

    assert refused.value.status == 422
    assert refused.value.pointers == ("/data/facts/x",)
    assert len(counter.bodies) == 1


@both
async def test_an_unknown_key_is_not_tried_again(kind, counter):
    counter.answers.append((401, {"code": "token_key"}))

    with pytest.raises(Refused, match="token_key"):
        await publish(kind, counter)

    assert len(counter.bodies) == 1


@both
async def test_patience_ends(kind, counter):
    counter.answers.append(AWAY)

    with pytest.raises(Unavailable, match="log_unavailable") as gone:
        await publish(kind, counter, patience_seconds=0.05)

    assert gone.value.code == "log_unavailable"


@both
async def test_a_server_that_is_not_there_is_unavailable(kind, counter):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(Unavailable, match="ConnectError"):
            await publish(kind, counter, url=url, patience_seconds=0.05)


@both
async def test_retry_after_is_honoured(kind, counter):
    counter.answers.extend([(*AWAY, {"retry-after": "1"}), ACCEPTED])

    began = time.monotonic()
    await publish(kind, counter)

    assert 1.0 <= time.monotonic() - began < 4.0


@both
async def test_a_retry_after_beyond_patience_ends_at_once(kind, counter):
    counter.answers.append((*AWAY, {"retry-after": "30"}))

    began = time.monotonic()
    with pytest.raises(Unavailable):
        await publish(kind, counter)

    assert time.monotonic() - began < 2.0


@both
async def test_the_trace_goes_with_the_event(kind, counter):
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    counter.answers.append(ACCEPTED)

    await publish(kind, counter, tracer_provider=provider)

    (span,) = (json.loads(each.to_json()) for each in exporter.get_finished_spans())
    trace, own = (span["context"][each].removeprefix("0x") for each in ("trace_id", "span_id"))
    assert counter.headers[0]["traceparent"].startswith(f"00-{trace}-{own}-")
    assert span["attributes"]["joinedup.event_id"] == EVENT_ID
    provider.shutdown()


@both
async def test_without_a_trace_no_header_is_sent(kind, counter):
    counter.answers.append(ACCEPTED)

    await publish(kind, counter)

    assert "traceparent" not in counter.headers[0]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"id": float("nan")}, "json_number"),
        ({"id": "\ud800"}, "text_encoding"),
        ({"id": object()}, "json_invalid"),
        ({"id": "x" * 65_536}, "body_too_large"),
        (b" " * 65_537, "body_too_large"),
    ],
)
def test_what_can_be_no_event_is_not_sent(counter, event, code):
    with a_publisher(counter) as publisher, pytest.raises(Refused) as refused:
        publisher.publish(event)

    assert refused.value.code == code
    assert not counter.bodies


@both
async def test_text_is_sent_byte_for_byte(kind, counter):
    counter.answers.append(ACCEPTED)
    body = b'{ "id": "GRO-1", "id": "GRO-1" }'

    await publish(kind, counter, event=body)

    assert counter.bodies == [body]


def test_without_a_key_id_the_token_names_none(counter):
    counter.answers.append(ACCEPTED)

    with a_publisher(counter) as publisher:
        publisher.publish(EVENT)

    token = counter.headers[0]["authorization"].removeprefix("Bearer ")
    assert jwt.decode(token, KEY, ["ES256"]).header == {"alg": "ES256", "typ": "publisher+jwt"}


def test_a_platform_on_this_machine_is_found_with_the_key_it_made(counter, tmp_path):
    counter.answers.append(ACCEPTED)
    (tmp_path / "endpoints.json").write_text(json.dumps({"events_http": counter.url}))
    keys = tmp_path / "keys" / "publishers"
    keys.mkdir(parents=True)
    (keys / "gro.private.pem").write_bytes(KEY.as_pem(private=True))

    with Publisher.from_home("gro", tmp_path) as publisher:
        assert publisher.publish(EVENT).event_id == EVENT_ID

    assert len(counter.token_ids()) == 1


@pytest.mark.parametrize("there", [{}, {"events_http": "http://127.0.0.1:9"}])
def test_without_a_platform_or_its_key_here_that_is_said(tmp_path, there):
    (tmp_path / "endpoints.json").write_text(json.dumps(there))

    with pytest.raises(NoLocalPlatform):
        Publisher.from_home("gro", tmp_path)


@both
async def test_an_answer_that_is_not_the_platforms_settles_nothing(kind, counter):
    counter.answers.append((200, ["a proxy's page"]))

    with pytest.raises(Unavailable, match="not one of the platform's"):
        await publish(kind, counter)


def test_how_far_an_event_has_come_is_read_as_its_publisher(counter):
    counter.answers.append((200, {"event_id": EVENT_ID, "decided": True}))

    with a_publisher(counter) as publisher:
        progress = publisher.progress(EVENT_ID)

    assert progress.document["decided"] is True
    assert counter.paths == [f"/v1/events/{EVENT_ID}"]
    assert len(counter.token_ids()) == 1
