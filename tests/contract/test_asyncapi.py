"""What docs/reference/asyncapi.yaml says of the topics is what stands on them."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from deploy.local.settings import ROOT
from services.kit import codec
from services.kit.dead_letter import dead_letter
from services.kit.topics import Topic, load_templates, load_topics
from tools import check_asyncapi
from tools.reference.contracts import read_contracts

TEMPLATES = load_templates(ROOT / "protos" / "topics")
TOPICS = load_topics(ROOT / "protos" / "topics") | TEMPLATES
DOCUMENT = YAML(typ="safe").load(ROOT / "docs" / "reference" / "asyncapi.yaml")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TRACE = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


def message_class(name: str):
    package, _, message = name.rpartition(".")
    folder = ROOT / "protos" / "python" / Path(*package.split("."))
    modules = (importlib.import_module(f"{package}.{p.stem}") for p in folder.glob("*_pb2.py"))
    return next(getattr(module, message) for module in modules if hasattr(module, message))


def channel_of(topic: Topic) -> str:
    return topic.topic.replace("{", "").replace("}", "")


def headers_of(topic: Topic) -> jsonschema_rs.Validator:
    channel = DOCUMENT["channels"][channel_of(topic)]
    name = next(iter(channel["messages"]))
    schema = DOCUMENT["components"]["messages"][name]["headers"]
    assert set(schema["required"]) <= schema["properties"].keys()
    return jsonschema_rs.validator_for({**schema, "additionalProperties": False})


def texts(headers: codec.Headers) -> dict[str, str]:
    return {name: value.decode() for name, value in headers}


RECORDS = [each for each in TOPICS.values() if each.value not in {"bytes", "CloudEvent"}]
LETTERS = [each for each in TOPICS.values() if each.value == "bytes"]


def named(topic: Topic) -> str:
    return topic.topic


@pytest.mark.parametrize("topic", RECORDS, ids=named)
def test_a_records_real_headers_are_those_described(topic: Topic) -> None:
    (producer,) = topic.producers
    record = codec.encode(
        message_class(topic.value)(),
        id="an-id",
        type=message_class(topic.value).DESCRIPTOR.full_name,
        source=f"urn:joinedup:{producer}",
        time=NOW,
    )

    described, sent = headers_of(topic), texts([*record.headers, TRACE])

    described.validate(sent)
    for name in texts(record.headers):
        assert not described.is_valid({each: sent[each] for each in sent if each != name})


@pytest.mark.parametrize("topic", LETTERS, ids=named)
def test_a_dead_letters_real_headers_are_those_described(topic: Topic) -> None:
    letter = dead_letter(
        topic=topic.topic.removesuffix(".dead-letter"),
        partition=3,
        offset=17,
        key=b"key",
        value=b"value",
        headers=[("ce_id", b"an-id"), TRACE],
        reason="decode",
        service=topic.producers[0],
        now=NOW,
        more=[("dl_problem", b"{}")] if topic.places else [],
    )

    described, sent = headers_of(topic), texts(letter.headers)

    described.validate(sent)
    assert not described.is_valid({**sent, "dl_offset": "somewhere"})


def test_what_a_publisher_writes_is_each_type_with_its_token() -> None:
    (topic,) = (each for each in TEMPLATES.values() if each.value == "CloudEvent")
    channel = DOCUMENT["channels"][channel_of(topic)]
    register = read_contracts().register
    sent = {"authorization": "Bearer x.y.z", "content-type": "application/cloudevents+json"}

    assert channel["address"] == topic.topic
    assert set(channel["parameters"]) == topic.places
    assert set(channel["messages"]) == {each.name for each in register.event_types()}
    headers_of(topic).validate(sent)
    for name in sent:
        assert not headers_of(topic).is_valid({each: sent[each] for each in sent if each != name})
    for name in channel["messages"]:
        message = DOCUMENT["components"]["messages"][name]
        payload = jsonschema_rs.Draft7Validator(message["payload"])
        (example,) = message["examples"]
        assert payload.is_valid(example["payload"])
        assert not payload.is_valid({**example["payload"], "type": "another.type.v1"})


@pytest.mark.parametrize("topic", TOPICS.values(), ids=named)
def test_a_channel_says_what_its_topic_is_made_with(topic: Topic) -> None:
    channel = DOCUMENT["channels"][channel_of(topic)]
    kafka = channel["bindings"]["kafka"]
    made = topic.broker_settings()
    operations = [
        (name.partition(".")[0], each["action"])
        for name, each in DOCUMENT["operations"].items()
        if each["channel"]["$ref"] == f"#/channels/{channel_of(topic)}"
    ]

    assert kafka["partitions"] == topic.partitions
    assert {k: str(v) for k, v in kafka["topicConfiguration"].items() if k != "cleanup.policy"} == {
        name: made[name] for name in ("retention.ms", "max.message.bytes")
    }
    assert kafka["topicConfiguration"]["cleanup.policy"] == [made["cleanup.policy"]]
    assert sorted(operations) == sorted(
        [(each, "send") for each in topic.producers]
        + [(each, "receive") for each in topic.consumers]
    )


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("action: send", "action: post", "asyncapi-document-resolved"),
        ("#/components/messages/joinedup", "#/components/messages/nobody", "invalid-ref"),
        ("string event_id = 1;", "string event_id = ;", "illegal id"),
    ],
)
def test_the_official_parser_refuses_what_is_wrong(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    text = check_asyncapi.DOCUMENT.read_text()
    broken = tmp_path / "asyncapi.yaml"
    broken.write_text(text.replace(right, wrong))

    assert right in text
    done = check_asyncapi.check(broken)

    assert done.returncode == 1
    assert said in done.stdout


def test_no_pinned_package_says_where_it_is_fetched_from() -> None:
    for lock in (ROOT / "tools" / "asyncapi", ROOT / "services" / "portal"):
        text = (lock / "package-lock.json").read_text()

        assert "://" not in text
        assert all(
            "integrity" in each for name, each in json.loads(text)["packages"].items() if name
        )
