"""Straight to Kafka: a publisher's own topic, through the real process, to the real log, once."""

import json

import pytest
from kafka.errors import MessageSizeTooLargeError

from services.events.entrypoints.cloudevents_http import BATCH, BINARY
from services.kit.ids import new_random_id
from tests.builders import an_event_body
from tests.events_service import rows_of
from tests.inbound_topic import InboundTopic, NoText

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def topics(service):
    made = {name: InboundTopic(service, name) for name in ("gro", "nrs")}
    yield made
    for each in made.values():
        each.close()


@pytest.fixture
def inbound(topics):
    return topics["gro"]


def ids_on(log):
    """The events on the log, each person's record as one; its partitions have no common order."""
    return sorted(message.event_id for _, message, _ in log.events())


def event_id_of(service, body, publisher="gro"):
    """The id under which an event is in; it must be, since another request is a duplicate."""
    answer = service.publish(body, publisher).json()
    assert answer["duplicate"] is True
    return answer["event_id"]


def births(count):
    name = new_random_id()
    return [an_event_body(id=f"{name}-{number}") for number in range(count)]


def test_a_record_becomes_the_same_event_as_over_http(service, inbound, log):
    (body,) = births(1)

    inbound.put(body)

    inbound.settle()
    assert ids_on(log) == [event_id_of(service, body)]


def test_an_event_may_also_stand_in_the_headers(service, inbound, log):
    body = an_event_body(id="köpfe 100%25")
    told = {name: value for name, value in body.items() if name not in {"data", "datacontenttype"}}
    attributes = {f"ce_{name}": value for name, value in told.items()}

    inbound.put_raw(
        json.dumps(body["data"]).encode(),
        inbound.headers(body["id"], content_type=BINARY, **attributes),
    )

    inbound.settle()
    assert ids_on(log) == [event_id_of(service, body)]


def test_names_of_headers_and_the_key_do_not_matter(service, inbound, log):
    (body,) = births(1)
    named = [(name.title(), value) for name, value in inbound.headers(body["id"])]

    inbound.put_raw(json.dumps(body).encode(), named, key=b"whatever")

    inbound.settle()
    assert ids_on(log) == [event_id_of(service, body)]


def test_the_same_event_is_one_event_however_often_it_is_written(service, inbound, log):
    (body,) = births(1)

    inbound.put_all([body, body, body])
    inbound.put(body)

    inbound.settle()
    assert ids_on(log) == [event_id_of(service, body)]
    assert inbound.letters() == []


def test_a_publishers_events_come_in_in_their_order(service, inbound, log):
    bodies = births(300)

    inbound.put_all(bodies)

    inbound.settle()
    assert ids_on(log) == sorted(event_id_of(service, body) for body in bodies)
    name = bodies[0]["id"].removesuffix("0")
    found = f"SELECT id, received_at FROM admissions WHERE id LIKE '{name}%'"
    received = dict(rows_of(service.database_url, found))
    moments = [received[body["id"]] for body in bodies]
    assert moments == sorted(moments)
    assert moments[0] < moments[-1]


def test_a_correction_may_come_right_behind_what_it_corrects(service, inbound, log):
    (first,) = births(1)
    behind = an_event_body(
        "birth-corrected", id=f"{first['id']}-c", data={"supersedes": first["id"]}
    )

    inbound.put_all([first, behind])

    inbound.settle()
    event_id, corrected = event_id_of(service, first), event_id_of(service, behind)
    assert ids_on(log) == sorted([event_id, corrected])
    asked = [each for each in service.identity.asked if each.event_id == corrected]
    assert asked[-1].supersedes == event_id


@pytest.mark.parametrize("place", [0, 4, 8])
def test_what_is_refused_takes_nothing_with_it(service, inbound, log, place):
    bodies = births(9)
    bad = bodies[place]
    bad["data"]["nation"] = "X"
    before = len(inbound.letters())

    inbound.put_all(bodies)

    inbound.settle()
    good = [event_id_of(service, body) for body in bodies if body is not bad]
    assert ids_on(log) == sorted(good)
    (letter,) = inbound.letters()[before:]
    assert letter.code == "value_not_allowed"
    assert json.loads(letter.value) == bad


def test_a_letter_is_the_record_as_it_came_with_the_answer_of_http(service, inbound):
    (body,) = births(1)
    body["data"]["nation"] = "X"
    body["data"]["surprise"] = True
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    traceparent = f"00-{trace_id}-b7ad6b7169203331-01"

    offset = inbound.put_raw(
        json.dumps(body).encode(),
        [*inbound.headers(body["id"], traceparent=traceparent), ("own", b"header")],
        key=b"key",
    )

    letter = inbound.letter_of(offset)
    assert (letter.key, json.loads(letter.value)) == (b"key", body)
    assert letter.headers["dl_topic"] == inbound.topic.encode()
    assert letter.headers["dl_service"] == b"events"
    assert letter.headers["dl_h_own"] == b"header"
    assert trace_id in letter.headers["traceparent"].decode()
    assert not [name for name in letter.headers if "authorization" in name]
    over_http = service.publish(body).json()
    assert letter.problem == {**over_http, "trace_id": trace_id}
    assert letter.code == over_http["code"]


def test_a_stranger_gains_nothing_by_somebody_elses_token(service, inbound, topics, log):
    """Whoever can write to a topic needs the key of its publisher, and no other."""
    (body,) = births(1)
    scottish = an_event_body("birth-partial-date", id=body["id"])
    theirs = topics["nrs"].headers(body["id"])
    before = len(inbound.letters())

    inbound.put_raw(json.dumps(body).encode(), theirs)
    inbound.put_raw(json.dumps(scottish).encode(), theirs)

    inbound.settle()
    assert [each.code for each in inbound.letters()[before:]] == ["scope_denied"] * 2
    assert ids_on(log) == []
    audited = [each for each in service.log_lines() if each.get("route") == inbound.topic]
    assert [(each["code"], each["publisher"]) for each in audited][-2:] == [
        ("scope_denied", "nrs")
    ] * 2


def test_a_token_is_for_its_event_alone_and_is_not_used_up_by_it(service, inbound, log):
    first, second = births(2)
    headers = inbound.headers(first["id"])

    inbound.put_raw(json.dumps(first).encode(), headers)
    inbound.put_raw(json.dumps(first).encode(), headers)
    offset = inbound.put_raw(json.dumps(second).encode(), headers)

    assert inbound.letter_of(offset).code == "token_binding"
    inbound.settle()
    assert ids_on(log) == [event_id_of(service, first)]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "body_empty"),
        (b"", "body_empty"),
        (b" \n", "body_empty"),
        (b"x" * (64 * 1024 + 1), "body_too_large"),
        (b"x" * 1_000_000, "body_too_large"),
    ],
    ids=["tombstone", "empty", "blank", "too large", "almost a mebibyte"],
)
def test_what_is_no_event_comes_back(inbound, value, code):
    offset = inbound.put_raw(value, inbound.headers("nothing"), key=b"key")

    letter = inbound.letter_of(offset)

    assert (letter.code, letter.key, letter.value) == (code, b"key", value)


def test_a_record_of_a_mebibyte_is_refused_by_the_broker(service):
    writing = InboundTopic(service)  # kafka-python's idempotent producer does not outlive it

    with pytest.raises(MessageSizeTooLargeError):
        writing.put_raw(b"x" * 1024 * 1024, writing.headers("much"))

    writing.close()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ([(f"h{number}", b"x" * 10) for number in range(5000)], "header_too_large"),
        ([("h", b"x" * 9000)], "header_too_large"),
        ([("content-encoding", b"gzip")], "encoding_unsupported"),
    ],
)
def test_headers_that_are_too_many_or_say_too_much_come_back(inbound, changed, code):
    (body,) = births(1)

    offset = inbound.put_raw(json.dumps(body).encode(), [*inbound.headers(body["id"]), *changed])

    letter = inbound.letter_of(offset)
    assert letter.code == code
    assert json.loads(letter.value) == body


@pytest.mark.parametrize("content_type", [None, "application/json", "text/xml", BATCH])
def test_a_kind_of_record_that_is_not_taken_comes_back(inbound, content_type):
    (body,) = births(1)

    offset = inbound.put(body, content_type=content_type)

    assert inbound.letter_of(offset).code == "media_type"


def test_what_cannot_be_read_at_all_is_told_by_its_place(service, inbound, log):
    before, behind = births(2)
    inbound.put(before)
    offset = inbound.put_raw(b"{}", [(NoText("x"), b"x")])
    inbound.put(behind)

    letter = inbound.letter_of(offset)

    assert (letter.code, letter.value) == ("record_unreadable", None)
    inbound.settle()
    assert ids_on(log) == sorted([event_id_of(service, before), event_id_of(service, behind)])


def test_the_publishers_trace_goes_on_to_the_log(service, inbound, log):
    (body,) = births(1)
    trace_id = "0af7651916cd43dd8448eb211c80319d"

    inbound.put(body, traceparent=f"00-{trace_id}-b7ad6b7169203331-01")

    inbound.settle()
    ((_, _, headers),) = log.events()
    assert trace_id in headers["traceparent"].decode()
    assert trace_id in service.identity.traceparents[-1]


def test_answers_are_counted_and_age_is_told(service, inbound):
    (body,) = births(1)
    inbound.put(body)
    inbound.settle()

    counted = service.metrics()

    assert "joinedup_events_inbound_age_seconds{" in counted
    assert 'joinedup_publisher="gro"' in counted
    assert 'joinedup_reason="token_binding"' in counted


def test_nothing_personal_and_no_token_was_written_to_the_log_file(service):
    text = service.log_text()

    for value in ("QQ123456C", "Mair", "Bevan", "CF10", "1994-02-03", "eyJ"):
        assert value not in text
