"""Reading and writing records: total in one direction, stable in the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joinedup.events.v1 import life_event_record_pb2 as events_pb2
from joinedup.identity.v1 import permission_set_pb2 as permissions_pb2
from joinedup.nudges.v1 import decision_pb2
from services.nudges.domain.decide import decide
from services.nudges.domain.life_event import LifeEvent, Reason, Standing
from services.nudges.domain.permission import Choice, Flag
from services.nudges.ports import PoisonReason
from services.nudges.wire import ProtobufContract, envelope_fault, permission_set
from tests.unit.nudges.builders import (
    NOW,
    a_catalogue,
    a_life_event,
    a_nudge,
    a_permission,
    a_record,
    a_set,
    a_set_message,
    encoded,
)

CONTRACT = ProtobufContract()


def read(**overrides):
    event = CONTRACT.read(a_record(**overrides).SerializeToString())
    assert isinstance(event, LifeEvent)
    return event


def test_a_record_is_read_whole():
    record = a_record(
        supersedes="o" * 26,
        root_event_id="t" * 26,
        permission_serial=7,
        facts={"multiple_birth": True, "weight": 3.5, "order": 2, "name": "x", "list": [1]},
        derived={"age_years": 32, "fulfilled_types": ["a.v1"]},
    )
    record.derived.record.update({"tenure": "owned"})

    event = CONTRACT.read(record.SerializeToString())

    assert event == a_life_event(
        supersedes="o" * 26,
        root_event_id="t" * 26,
        permission_serial=7,
        facts={"multiple_birth": True, "weight": 3.5, "order": 2, "name": "x"},
        fulfilled_types=frozenset({"a.v1"}),
        record={"tenure": "owned"},
    )
    assert type(event.facts["order"]) is int


def test_an_age_that_is_not_known_is_not_zero():
    assert read(derived={}).age_years is None
    assert read(derived={"age_years": 0}).age_years == 0


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_number(reason):
    number = events_pb2.Reason.Value(f"REASON_{reason.name}")

    assert read(reason=number).reason is reason


@pytest.mark.parametrize("standing", Standing)
def test_every_standing_has_its_number(standing):
    number = events_pb2.Standing.Value(f"STANDING_{standing.name}")

    assert read(standing=number).standing is standing


def test_a_record_that_names_no_standing_is_in_force():
    assert read().standing is Standing.IN_FORCE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_id": ""}, "decode"),
        ({"supersedes": "short"}, "decode"),
        ({"root_event_id": "short"}, "decode"),
        ({"standing": 77}, "schema_future"),
        ({"event_id": "short"}, "decode"),
        ({"subject": ""}, "decode"),
        ({"subject": "M" * 26}, "decode"),
        ({"type": ""}, "decode"),
        ({"role": ""}, "decode"),
        ({"nation": ""}, "decode"),
        ({"nation": "EN"}, "decode"),
        ({"occurred": ""}, "decode"),
        ({"occurred": "2026-02-30"}, "decode"),
        ({"recorded_at": None}, "decode"),
        ({"reason": 0}, "decode"),
        ({"reason": 77}, "schema_future"),
    ],
)
def test_a_record_the_door_would_never_write_is_poison(change, reason):
    assert CONTRACT.read(a_record(**change).SerializeToString()) == PoisonReason(reason)


def test_a_time_outside_the_calendar_is_poison():
    record = a_record()
    record.recorded_at.seconds = 2**60

    assert CONTRACT.read(record.SerializeToString()) is PoisonReason.DECODE


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_poison(value):
    assert isinstance(CONTRACT.read(value), LifeEvent | PoisonReason)


@given(st.integers(0, 10**9), st.binary(min_size=1, max_size=4))
def test_a_damaged_record_is_read_or_poison(where, damage):
    value = bytearray(a_record().SerializeToString())
    value[where % len(value) : where % len(value) + len(damage)] = damage

    assert isinstance(CONTRACT.read(bytes(value)), LifeEvent | PoisonReason)


TYPE = ("ce_type", b"joinedup.events.v1.LifeEventRecord")


@pytest.mark.parametrize(
    ("value", "headers", "fault"),
    [
        (None, [TYPE], "unexpected_tombstone"),
        (b"", [TYPE], "empty"),
        (b"x", [], "decode"),
        (a_record().SerializeToString(), [], "headers"),
        (b"x", [("ce_type", b"joinedup.events.v2.LifeEventRecord")], "schema_future"),
        (b"x", [("ce_type", b"\xff\xfe")], "schema_future"),
        (b"x", [TYPE, *[("h", b"")] * 64], "headers"),
        (b"x", [TYPE, ("h", b"x" * 16_384)], "headers"),
        (b"x", [TYPE, ("h", None)], None),
        (b"x", [TYPE], None),
    ],
)
def test_the_envelope(value, headers, fault):
    assert envelope_fault(value, headers) == fault


def test_a_decision_is_written_with_all_it_says():
    decision = decide(
        a_life_event(), a_set(a_permission()), a_catalogue(a_nudge(deadline_days=90)), NOW
    )

    written = CONTRACT.write(decision)
    message = decision_pb2.Decision.FromString(written.value)

    assert dict(written.headers)["ce_id"] == decision.event_id.encode()
    assert dict(written.headers)["ce_type"] == b"joinedup.nudges.v1.Decision"
    assert message.catalogue_revision == "0123456789ab"
    assert (message.occurred, message.publisher) == ("2026-11-18", "gro")
    assert message.root_event_id == decision.event_id
    assert not message.withdraws_entry
    (nudge,) = message.nudges
    assert nudge.outcome == decision_pb2.OUTCOME_ISSUED
    assert dict(nudge.parameters) == {"occurred": "2026-11-18", "deadline": "2027-02-16"}
    assert list(nudge.channels) == ["inbox", "stream"]
    assert (nudge.epoch, nudge.due_at.ToJsonString()) == (3, "2026-11-23T10:00:00Z")


def test_an_entry_that_is_withdrawn_is_written_as_that_where_no_nudge_answers_too():
    cancelled = a_life_event(reason=Reason.CANCELLED, root_event_id="o" * 26)

    written = CONTRACT.write(decide(cancelled, a_set(), a_catalogue(), NOW))

    message = decision_pb2.Decision.FromString(written.value)
    assert (message.root_event_id, message.withdraws_entry) == ("o" * 26, True)


def test_what_is_not_meant_has_no_moment():
    decision = decide(a_life_event(), a_set(), a_catalogue(a_nudge()), NOW)

    (nudge,) = decision_pb2.Decision.FromString(CONTRACT.write(decision).value).nudges

    assert nudge.outcome == decision_pb2.OUTCOME_SUPPRESSED
    assert list(nudge.reasons) == ["no_permission"]
    assert not nudge.HasField("due_at")
    assert not nudge.HasField("expires_at")


def test_a_set_is_read_whole():
    message = a_set_message(serial=9)
    message.flags.append(permissions_pb2.FLAG_DECEASED)

    found = permission_set(message)

    assert (found.subject, found.serial) == (message.subject, 9)
    assert found.row("family", "hmrc") == a_permission()
    assert found.flags == {Flag.DECEASED}


def test_what_a_newer_writer_means_is_no_permission_and_silences():
    message = a_set_message(choice=9)
    message.MergeFrom(permissions_pb2.PermissionSet.FromString(b"\x22\x01\x4d"))  # flag 77

    found = permission_set(message)

    assert found.row("family", "hmrc") == a_permission(choice=Choice.UNSPECIFIED)
    assert found.flags == {Flag.UNKNOWN}


def test_what_this_service_writes_others_can_decode():
    written = CONTRACT.write(decide(a_life_event(), a_set(), a_catalogue(), NOW))
    record = encoded(decision_pb2.Decision.FromString(written.value))

    assert record.value == written.value
