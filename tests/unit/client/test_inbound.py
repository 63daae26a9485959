"""A record for a publisher's own topic carries one event and a token for it alone."""

import json
from types import SimpleNamespace

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from joinedup.client import PublisherKey, Refused
from joinedup.client.inbound import inbound_record, read_refusal, refusals_topic

NOW = 1_795_435_200.0
KEY = ECKey.generate_key("P-256")
PUBLISHER = PublisherKey("gro", KEY.as_pem(private=True))
EVENT = {"id": "GRO-1", "data": {"name": "Llŷr"}}
PROBLEM = {
    "code": "field_unknown",
    "status": 422,
    "detail": "no",
    "errors": [{"pointer": "/data/x", "code": "field_unknown", "detail": "?"}],
}
REFUSED = [
    ("traceparent", b"00-0-0-00"),
    ("dl_reason", b"field_unknown"),
    ("dl_topic", b"inbound-events.gro.v1"),
    ("dl_partition", b"0"),
    ("dl_offset", b"42"),
    ("dl_problem", json.dumps(PROBLEM).encode()),
]


def test_a_record_has_the_topic_the_event_and_a_token_that_names_it():
    topic, value, headers = inbound_record(EVENT, PUBLISHER, now=NOW)

    assert topic == "inbound-events.gro.v1"
    assert json.loads(value) == EVENT
    told = dict(headers)
    assert told["content-type"] == b"application/cloudevents+json"
    scheme, _, token = told["authorization"].decode().partition(" ")
    claims = jwt.decode(token, KEY, ["ES256"]).claims
    assert (scheme, claims["iss"], claims["jti"]) == ("Bearer", "gro", "GRO-1")
    assert claims["exp"] - claims["iat"] == 300


def test_text_is_sent_byte_for_byte():
    text = b'{ "id": "GRO-1" }'

    assert inbound_record(text, PUBLISHER).value == text


@pytest.mark.parametrize("event", [{}, {"id": 7}, {"id": ""}, b"[]", b"no json", b"7"])
def test_without_an_id_there_is_no_token_and_no_record(event):
    with pytest.raises(Refused) as refused:
        inbound_record(event, PUBLISHER)

    assert refused.value.code == "field_required"


@pytest.mark.parametrize(
    "record",
    [
        SimpleNamespace(value=b"{}", headers=REFUSED),
        SimpleNamespace(value=b"{}", headers=tuple(REFUSED)),
        SimpleNamespace(value=lambda: b"{}", headers=lambda: REFUSED),
    ],
)
def test_a_refusal_is_read_whatever_client_brought_it(record):
    found = read_refusal(record)

    assert (found.value, found.topic, found.offset) == (b"{}", "inbound-events.gro.v1", 42)
    assert (found.refused.code, found.refused.status) == ("field_unknown", 422)
    assert found.refused.pointers == ("/data/x",)


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [each for each in REFUSED if each[0] != "dl_topic"],
        [*REFUSED, ("dl_problem", b"7")],
    ],
)
def test_a_record_that_is_no_refusal_is_told_apart(headers):
    with pytest.raises(ValueError, match="no refusal"):
        read_refusal(SimpleNamespace(value=b"{}", headers=headers))


def test_refusals_have_a_topic_of_their_own():
    assert refusals_topic("gro") == "inbound-events.gro.v1.dead-letter"
