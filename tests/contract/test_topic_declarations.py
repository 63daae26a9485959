"""What protos/topics says and what the code does are the same."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from services.kit.topics import Topic, load_templates, load_topics

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = load_templates(ROOT / "protos" / "topics")
TOPICS = load_topics(ROOT / "protos" / "topics") | TEMPLATES
SERVICES = ("events", "identity", "notifications", "nudges", "portal")


def users_of(name: str) -> set[str]:
    """Name the services whose code names the topic."""
    literal = re.compile(rf"""["']{re.escape(name)}["']""")
    return {
        service
        for service in SERVICES
        if any(literal.search(p.read_text()) for p in (ROOT / "services" / service).rglob("*.py"))
    }


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS.keys())
def test_a_topic_is_named_only_by_those_who_may_use_it(topic: Topic) -> None:
    declared = {*topic.producers, *topic.consumers} & set(SERVICES)

    assert users_of(topic.topic) <= declared


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS.keys())
def test_a_topics_value_is_a_message_that_exists(topic: Topic) -> None:
    if topic.value == "bytes":
        assert topic.topic.endswith(".dead-letter")
        return
    if topic.value == "CloudEvent":
        assert topic.places
        return
    package, _, message = topic.value.rpartition(".")
    folder = ROOT / "protos" / "python" / Path(*package.split("."))
    modules = [
        importlib.import_module(f"{package}.{path.stem}") for path in folder.glob("*_pb2.py")
    ]

    assert any(hasattr(module, message) for module in modules)


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS.keys())
def test_a_dead_letter_topic_is_declared_where_one_is_named(topic: Topic) -> None:
    if topic.dead_letter:
        assert topic.dead_letter in TOPICS


def test_identifiers_stand_on_kafka_for_a_day_at_most_and_for_their_publisher_alone() -> None:
    names = [each for each in TOPICS.values() if "identifiers as" in each.personal_data]

    assert names == list(TEMPLATES.values())
    for topic in names:
        assert topic.places == {"publisher"}
        assert topic.retention_hours == 24
        assert topic.partitions == 1
        assert {*topic.producers, *topic.consumers} == {"publisher", "events"}
        assert int(topic.broker_settings()["segment.ms"]) == 3_600_000


def test_no_personal_value_is_ever_a_key() -> None:
    unread = "empty or the event's id; it is not read"

    assert {topic.key for topic in TOPICS.values()} == {"subject handle", "as it came", unread}
