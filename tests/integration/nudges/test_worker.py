"""The worker on a real log: decides, restarts, waits, and never loses a record."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from joinedup.identity.v1 import permission_set_pb2
from joinedup.nudges.v1 import decision_pb2
from services.kit.ids import new_random_id
from services.kit.topics import create_topics, load_topics
from tests.unit.nudges.builders import a_record, a_set_message
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[3]
DEAD = "life-events.v1.dead-letter"
MANY = 6_000


def permitted(log, count=1):
    handles = [new_random_id() for _ in range(count)]
    log.put_many("permissions.v1", [a_set_message(each) for each in handles])
    return handles


def births(handles, count, serial=1):
    return [
        a_record(
            subject=handles[at % len(handles)], event_id=new_random_id(), permission_serial=serial
        )
        for at in range(count)
    ]


def decisions(log, events):
    """Of these events only: what a killed worker had not committed is decided again."""
    ids = {event.event_id for event in events}
    return [each for each in log.decisions() if each.event_id in ids]


def decided(log, events):
    return len({each.event_id for each in decisions(log, events)})


def child_benefit(decision):
    (found,) = [each for each in decision.nudges if each.nudge == "family.child-benefit"]
    return decision_pb2.Outcome.Name(found.outcome), list(found.reasons)


def test_a_birth_of_a_permitted_mother_is_decided_under_her_handle(log, make_worker):
    (mother,) = permitted(log)
    worker = make_worker().start().wait_ready()
    (birth,) = events = births([mother], 1)
    trace = "0af7651916cd43dd8448eb211c80319c"

    header = ("traceparent", f"00-{trace}-b7ad6b7169203331-01".encode())
    log.put_message("life-events.v1", birth, [header])

    eventually(lambda: decisions(log, events), 30, worker.said)
    (record,) = [each for each in log.new("decisions.v1") if each.key == mother.encode()]
    (decision,) = decisions(log, events)
    headers = dict(record.headers)
    assert headers["ce_id"] == birth.event_id.encode()
    assert headers["traceparent"].decode().split("-")[1] == trace
    assert decision.event_id == birth.event_id
    assert decision.permission_serial == 1
    assert [each.nudge for each in decision.nudges] == [
        "family.child-benefit",
        "family.healthy-start",
    ]
    assert child_benefit(decision) == ("OUTCOME_ISSUED", [])


def test_a_stop_that_is_asked_for_commits_everything(log, make_worker, identity):
    worker = make_worker().start().wait_ready()
    events = births([new_random_id()], 500, serial=0)
    log.put_many("life-events.v1", events)
    eventually(lambda: decisions(log, events), 30, worker.said)

    code = worker.terminate()

    assert code == 0, worker.said()
    committed = 500 - log.lag()
    assert 0 < committed <= decided(log, events)
    again = make_worker().start()
    eventually(lambda: log.lag() == 0, 40, again.said)
    assert decided(log, events) == 500
    assert identity.asked == []


def test_a_worker_that_is_killed_loses_nothing_and_invents_nothing(log, make_worker):
    handles = permitted(log, 50)
    events = births(handles, MANY)
    worker = make_worker().start().wait_ready()

    log.put_many("life-events.v1", events[: MANY // 2])
    eventually(lambda: decisions(log, events), 40, worker.said)
    worker.kill()
    log.put_many("life-events.v1", events[MANY // 2 :])
    again = make_worker().start()
    eventually(lambda: decided(log, events) == MANY, 90, again.said)

    seen: dict[str, set[tuple[str, ...]]] = {}
    for decision in decisions(log, events):
        ids = tuple(nudge.prompt_id for nudge in decision.nudges)
        seen.setdefault(decision.event_id, set()).add(ids)
    assert {len(ids) for ids in seen.values()} == {1}
    eventually(lambda: log.lag() == 0, 40, again.said)


def test_a_killed_workers_place_is_taken_again_within_seconds(log, make_worker):
    worker = make_worker().start().wait_ready()
    worker.kill()
    killed = time.monotonic()

    events = births([new_random_id()], 1, serial=0)
    log.put_many("life-events.v1", events)
    again = make_worker().start()

    eventually(lambda: decisions(log, events), 30, again.said)
    assert time.monotonic() - killed < 25


def test_another_worker_takes_over_what_a_dead_one_had(log, make_worker):
    """After the session timeout of 10 seconds, since the dead one's place was kept for it."""
    first = make_worker("nudges-1").start().wait_ready()
    second = make_worker("nudges-2").start().wait_ready()
    first.kill()

    events = births([new_random_id() for _ in range(40)], 200, serial=0)
    log.put_many("life-events.v1", events)

    eventually(lambda: decided(log, events) == 200, 90, second.said)
    eventually(lambda: log.lag() == 0, 30, second.said)
    second.kill()
    log.forget_members()  # whoever comes next has not to wait for these two


def test_a_chunk_is_one_event_of_the_stream(log, make_worker):
    """With one event a record, 3,000 records would be 3,000 chunks of one."""
    log.put_many("life-events.v1", births([new_random_id()], 3_000, serial=0))
    worker = make_worker().start().wait_ready()

    eventually(lambda: log.lag() == 0, 60, worker.said)

    count = re.search(r"nudges_chunk_size\w*_count\S* (\d+)", worker.metrics())
    assert count is not None
    assert int(count.group(1)) <= 30


def test_a_choice_is_heard_from_the_log(log, make_worker, identity):
    (mother,) = permitted(log)
    worker = make_worker().start().wait_ready()
    withdrawn = a_set_message(mother, serial=2, epoch=4, choice=permission_set_pb2.CHOICE_WITHDRAWN)
    log.put_message("permissions.v1", withdrawn)
    events = births([mother], 1, serial=2)
    identity.sets[mother] = withdrawn

    log.put_many("life-events.v1", events)

    eventually(lambda: decisions(log, events), 30, worker.said)
    (decision,) = decisions(log, events)
    assert child_benefit(decision) == ("OUTCOME_SUPPRESSED", ["permission_withdrawn"])
    assert decision.permission_serial == 2


def test_a_view_that_is_too_old_is_read_through(log, make_worker, identity):
    mother = new_random_id()
    identity.sets[mother] = a_set_message(mother, serial=7)
    worker = make_worker().start().wait_ready()

    events = births([mother], 3, serial=7)
    log.put_many("life-events.v1", events)

    eventually(lambda: decided(log, events) == 3, 30, worker.said)
    assert {each.permission_serial for each in decisions(log, events)} == {7}
    assert set(identity.asked) == {mother}


def test_poison_among_the_permissions_stops_nobody(log, make_worker, identity):
    (mother,) = permitted(log)
    log.put("permissions.v1", b"x" * 26, b"\xff\xfe", [])
    log.put("permissions.v1", mother.encode(), b"", [])
    worker = make_worker().start().wait_ready()

    events = births([mother], 1)
    log.put_many("life-events.v1", events)

    eventually(lambda: decisions(log, events), 30, worker.said)
    assert decisions(log, events)[0].permission_serial == 1
    assert mother not in identity.asked


def test_identity_that_comes_back_is_waited_for(log, make_worker, identity):
    mother = new_random_id()
    identity.sets[mother] = a_set_message(mother, serial=7)
    worker = make_worker().start().wait_ready()
    identity.go()
    events = births([mother], 1, serial=7)

    log.put_many("life-events.v1", events)
    eventually(lambda: "lookups" in worker.metrics(), 30, worker.said)
    assert decisions(log, events) == []
    identity.come()

    eventually(lambda: decisions(log, events), 40, worker.said)
    assert worker.running()
    assert decisions(log, events)[0].permission_serial == 7


def test_identity_that_stays_away_ends_the_worker_without_a_commit(log, make_worker, identity):
    mother = new_random_id()
    identity.sets[mother] = a_set_message(mother, serial=7)
    worker = make_worker().start().wait_ready()
    eventually(lambda: log.lag() == 0, 40, worker.said)
    identity.go()
    events = births([mother], 1, serial=7)

    log.put_many("life-events.v1", events)

    assert worker.wait_end(60) == 70, worker.said()
    assert "permissions unavailable" in worker.said()
    assert decisions(log, events) == []
    assert log.lag() == 1
    identity.come()
    again = make_worker().start()
    eventually(lambda: decisions(log, events), 30, again.said)
    eventually(lambda: log.lag() == 0, 30, again.said)


def test_without_a_dead_letter_topic_poison_stops_the_worker(log, make_worker):
    worker = make_worker(delivery_seconds="4").start().wait_ready()
    eventually(lambda: log.lag() == 0, 40, worker.said)
    log.drop_topic(DEAD)

    try:
        log.put("life-events.v1", b"x", b"\xff\xfe", [])

        assert worker.wait_end(60) == 70, worker.said()
        assert "output undelivered" in worker.said()
        assert log.lag() == 1
        unstarted = make_worker(topics_wait_seconds="1").start()
        assert unstarted.wait_end(60) == 69, unstarted.said()
        assert f"the broker has no topic {DEAD}" in unstarted.said()
    finally:
        create_topics(log.bootstrap, load_topics(ROOT / "protos" / "topics"))
    again = make_worker().start()
    eventually(lambda: log.lag() == 0, 40, again.said)


def test_a_broker_that_is_killed_loses_nothing(log, make_worker, broker):
    worker = make_worker().start().wait_ready()
    first = births([new_random_id()], 1_000, serial=0)
    log.put_many("life-events.v1", first)

    broker.kill("kafka")
    eventually(log.reachable, 60, worker.said)
    later = births([new_random_id()], 100, serial=0)
    log.put_many("life-events.v1", later)

    def all_decided():
        nonlocal worker
        if not worker.running():  # as its supervisor would
            worker = make_worker().start()
        return decided(log, [*first, *later]) == 1_100

    eventually(all_decided, 90, worker.said)


def test_nothing_a_worker_says_names_a_person(log, make_worker):
    (mother,) = permitted(log)
    worker = make_worker(log_level="debug").start().wait_ready()
    (birth,) = births([mother], 1)

    log.put_message("life-events.v1", birth)
    log.put("life-events.v1", mother.encode(), mother.encode(), [])
    eventually(lambda: decisions(log, [birth]) and log.letters(), 30, worker.said)

    said = worker.said() + worker.metrics()
    assert mother not in said
