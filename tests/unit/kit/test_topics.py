"""Topics are data, checked when they are read."""

import pytest

from services.kit.topics import (
    Topic,
    TopicMismatch,
    _compare,
    instances,
    load_templates,
    load_topics,
    pattern_of,
)
from services.kit.yaml_file import CatalogueInvalid

GOOD = """\
topic: loaves.v1
description: One record for each loaf that leaves the oven.
value: bakery.v1.Loaf
key: oven
producers: [oven]
consumers: [shop]
partitions: 4
retention_hours: 168
compacted: false
personal_data: none
dead_letter: loaves.v1.dead-letter
"""
TEMPLATE = GOOD.replace(": loaves.v1", ": orders.{shop}.v1")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "loaves.v1.yaml").write_text(GOOD)
    return tmp_path


def test_a_declared_topic_is_read(folder):
    assert load_topics(folder) == {
        "loaves.v1": Topic(
            topic="loaves.v1",
            description="One record for each loaf that leaves the oven.",
            value="bakery.v1.Loaf",
            key="oven",
            producers=("oven",),
            consumers=("shop",),
            partitions=4,
            retention_hours=168,
            compacted=False,
            personal_data="none",
            dead_letter="loaves.v1.dead-letter",
        )
    }


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("topic: loaves.v1", "topic: Loaves", "pattern_mismatch"),
        ("partitions: 4", "partitions: 0", "number_too_small"),
        ("partitions: 4", "partitions: four", "type_expected_integer"),
        ("key: oven\n", "", "field_required"),
        ("key: oven", "key: oven\nkeys: oven", "field_unknown"),
    ],
)
def test_a_wrong_declaration_is_refused(folder, old, new, code):
    (folder / "loaves.v1.yaml").write_text(GOOD.replace(old, new, 1))

    with pytest.raises(CatalogueInvalid) as raised:
        load_topics(folder)

    assert [each.code for each in raised.value.problems] == [code]


def test_a_kept_topic_is_cut_by_time_and_the_brokers_clock(folder):
    settings = load_topics(folder)["loaves.v1"].broker_settings()

    assert settings["cleanup.policy"] == "delete"
    assert settings["retention.ms"] == str(168 * 3600 * 1000)
    assert settings["message.timestamp.type"] == "LogAppendTime"


def test_a_compacted_topic_is_kept_for_ever(folder):
    text = GOOD.replace("compacted: false", "compacted: true").replace(": 168", ": -1")
    (folder / "loaves.v1.yaml").write_text(text)

    settings = load_topics(folder)["loaves.v1"].broker_settings()

    assert settings["cleanup.policy"] == "compact"
    assert settings["retention.ms"] == "-1"


def test_a_topic_with_other_partitions_than_declared_is_refused(folder):
    topics = list(load_topics(folder).values())

    _compare([{"name": "loaves.v1", "partitions": [{}, {}, {}, {}]}], topics)
    with pytest.raises(TopicMismatch):
        _compare([{"name": "loaves.v1", "partitions": [{}, {}]}], topics)


@pytest.fixture
def with_template(folder):
    (folder / "orders.yaml").write_text(TEMPLATE)
    return folder


def test_a_template_is_no_topic_but_has_one_for_each_value(with_template):
    assert list(load_topics(with_template)) == ["loaves.v1"]
    assert list(load_templates(with_template)) == ["orders.{shop}.v1"]

    made = instances(load_templates(with_template), shop="high-street")

    assert list(made) == ["orders.high-street.v1"]
    assert made["orders.high-street.v1"].dead_letter == "orders.high-street.v1.dead-letter"
    assert made["orders.high-street.v1"].places == frozenset()
    assert instances(load_templates(with_template), town="leeds") == {}


@pytest.mark.parametrize("value", ["", "High", "a.b", "a b", "1", "{shop}", "a\n", "../x"])
def test_a_value_that_would_make_another_name_is_refused(with_template, value):
    with pytest.raises(ValueError, match="small letters"):
        instances(load_templates(with_template), shop=value)


@pytest.mark.parametrize(
    "name",
    [
        "orders.v1",
        "orders..v1",
        "orders.a.b.v1",
        "orders.A.v1",
        "orders.high-street.v1.dead-letter",
        "old-orders.high-street.v1",
        "ordersxhigh-street.v1",
    ],
)
def test_only_a_templates_own_topics_match_it(name):
    matched = pattern_of("orders.{shop}.v1").match("orders.high-street.v1")

    assert matched is not None
    assert matched["shop"] == "high-street"
    assert pattern_of("orders.{shop}.v1").match(name) is None


@pytest.mark.parametrize(("hours", "segment_hours"), [(24, 1), (168, 6), (720, 6), (-1, 6)])
def test_what_is_kept_for_a_day_is_gone_an_hour_later(folder, hours, segment_hours):
    (folder / "loaves.v1.yaml").write_text(GOOD.replace("168", str(hours)))

    settings = load_topics(folder)["loaves.v1"].broker_settings()

    assert settings["segment.ms"] == str(segment_hours * 3600 * 1000)
