"""Each publisher in force has a topic of its own, and one for what was refused of it."""

import shutil

import pytest

from deploy.local.errors import LocalError
from deploy.local.settings import ROOT
from deploy.local.topics import declared

GRO = ("inbound-events.gro.v1", "inbound-events.gro.v1.dead-letter")


@pytest.fixture
def root(tmp_path):
    shutil.copytree(ROOT / "protos" / "topics", tmp_path / "protos" / "topics")
    shutil.copytree(ROOT / "catalogue" / "publishers", tmp_path / "catalogue" / "publishers")
    return tmp_path


def entry(root, publisher):
    return root / "catalogue" / "publishers" / f"{publisher}.yaml"


def test_every_publisher_has_a_pair(root):
    publishers = {path.stem for path in entry(root, "gro").parent.iterdir()}

    topics = declared(root)

    assert {name for name in topics if name.startswith("inbound-")} == {
        f"inbound-events.{publisher}.v1{suffix}"
        for publisher in publishers
        for suffix in ("", ".dead-letter")
    }
    assert topics[GRO[0]].dead_letter == GRO[1]
    assert "life-events.v1" in topics
    assert not any(topic.places for topic in topics.values())


def test_a_new_publisher_has_its_pair_and_a_suspended_one_none(root):
    text = entry(root, "gro").read_text()
    entry(root, "new").write_text(text.replace("id: gro", "id: new"))
    entry(root, "gro").write_text(f"{text}suspended: true\n")

    topics = declared(root)

    assert {"inbound-events.new.v1", "inbound-events.new.v1.dead-letter"} <= topics.keys()
    assert not topics.keys() & set(GRO)


@pytest.mark.parametrize("text", ["- a list", "name: nobody", "id: Upper", "id: [", ""])
def test_an_entry_that_cannot_be_read_is_named(root, text):
    entry(root, "gro").write_text(text)

    with pytest.raises(LocalError, match=r"gro\.yaml is no entry"):
        declared(root)
