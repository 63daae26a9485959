"""Topics are data, checked when they are read."""

import pytest

from services.kit.topics import Topic, TopicMismatch, _compare, load_topics
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
