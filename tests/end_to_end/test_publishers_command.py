"""The register, its keys and topics on a whole platform, and the sandbox that everybody has."""

import json

import pytest

from services.kit.ids import new_random_id
from tests.builders import an_event_body

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]


def test_every_publisher_of_the_register_is_as_it_should_be(joinedup):
    answer = joinedup("publishers", "check", "--json")

    assert answer.document["healthy"], answer.out
    assert "sandbox" in answer.out


def test_the_sandbox_takes_an_event_and_is_done_with_it(joinedup, tmp_path):
    path = tmp_path / "birth.json"
    path.write_text(json.dumps(an_event_body(id=new_random_id(), source="urn:uk:sandbox")))

    published = joinedup("publish", path, "--json")
    followed = joinedup("event", published.documents[0]["event_id"], "--json")

    assert published.code == 0
    assert followed.document["status"] == "decided"
