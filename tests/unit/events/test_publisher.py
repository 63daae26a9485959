"""Who may publish what, and which of their keys count at a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from services.events.domain.publisher import contradictions, read_publisher
from services.events.domain.rate import Limits

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
BIRTH = "civil-registration.birth.registered.v1"


def an_entry(**changed):
    entry = {
        "id": "gro",
        "sources": ["urn:uk:register:civil-registration"],
        "types": [BIRTH],
        "keys": [{"kid": "gro-1", "file": "gro.public.pem"}],
    }
    return entry | changed


def some_keys(**untils):
    """Keys gro-1, gro-2 … that end at the moments given; None is no end."""
    return [
        {"kid": name.replace("_", "-"), "file": f"{name}.public.pem"}
        | ({"until": until} if until else {})
        for name, until in untils.items()
    ]


def test_an_entry_without_more_words_is_live_believed_and_limited():
    publisher = read_publisher(an_entry())

    assert not publisher.sandbox
    assert not publisher.suspended
    assert publisher.limits == Limits(events_per_second=2000, burst=4000)


def test_limits_of_its_own_replace_those_of_everybody():
    publisher = read_publisher(an_entry(limits={"events_per_second": 5}))

    assert publisher.limits == Limits(events_per_second=5, burst=4000)


def test_only_listed_types_and_sources_are_its_own():
    publisher = read_publisher(an_entry())

    assert publisher.may_publish(BIRTH)
    assert not publisher.may_publish("residence.address.moved.v1")
    assert publisher.speaks_for("urn:uk:register:civil-registration")
    assert not publisher.speaks_for("urn:uk:register:drivers")


def test_every_type_is_open_to_a_sandbox_alone():
    sandbox = read_publisher(an_entry(types=["*"], sandbox=True))
    live = read_publisher(an_entry(types=["*"]))

    assert sandbox.may_publish(BIRTH)
    assert not live.may_publish(BIRTH)


def test_a_key_counts_until_its_end_and_not_at_it():
    end = "2026-11-20T10:00:00Z"
    publisher = read_publisher(an_entry(keys=some_keys(gro_1=end, gro_2=None)))

    def kids(at, kid=None):
        return [key.kid for key in publisher.keys_in_force(at, kid)]

    assert kids(NOW - timedelta(microseconds=1)) == ["gro-1", "gro-2"]
    assert kids(NOW) == ["gro-2"]
    assert kids(NOW, "gro-1") == []
    assert kids(NOW, "gro-2") == ["gro-2"]
    assert kids(NOW, "gro-3") == []


def test_an_end_in_another_zone_is_the_same_moment():
    publisher = read_publisher(an_entry(keys=some_keys(gro_1="2026-11-20T12:00:00+02:00")))

    assert publisher.keys_in_force(NOW) == ()
    assert publisher.keys_in_force(NOW - timedelta(seconds=1))


def test_a_suspended_publisher_has_no_key_that_counts():
    publisher = read_publisher(an_entry(suspended=True))

    assert publisher.keys_in_force(NOW) == ()
    assert publisher.keys_in_force(NOW, "gro-1") == ()


def test_a_good_entry_does_not_contradict_itself():
    keys = some_keys(gro_1="2026-11-20T10:00:00Z", gro_2=None)

    assert list(contradictions(an_entry(keys=keys))) == []
    assert list(contradictions(an_entry(types=["*"], sandbox=True))) == []


@pytest.mark.parametrize(
    ("changed", "place", "code"),
    [
        ({"types": [BIRTH, "*"]}, "/types/1", "wildcard_forbidden"),
        ({"types": ["*"], "sandbox": False}, "/types/0", "wildcard_forbidden"),
        ({"keys": 2 * some_keys(gro_1=None)}, "/keys/1/kid", "duplicate_id"),
        ({"keys": some_keys(a="2026-11-20T10:00:00")}, "/keys/0/until", "time_zone_required"),
        ({"keys": some_keys(a="2026-02-30T10:00:00Z")}, "/keys/0/until", "time_invalid"),
        ({"keys": some_keys(a="2026-11-20")}, "/keys/0/until", "time_invalid"),
    ],
)
def test_what_a_schema_cannot_say_is_told_with_its_place(changed, place, code):
    found = [(pointer, word) for pointer, word, _ in contradictions(an_entry(**changed))]

    assert found == [(place, code)]
