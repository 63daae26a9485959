"""Every read of a person's data is a line they can see, committed with the read or not at all."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import grpc
import psycopg
import pytest

from joinedup.identity.v1 import (
    access_line_pb2,
    access_log_pb2,
    permissions_pb2,
    subjects_pb2,
)
from joinedup.identity.v1.enforcement_points_pb2 import EnforcementPointsRegisterRequest
from services.identity.adapters.postgres_access import PostgresAccessLog
from services.identity.handlers.access import FORGOTTEN_AT_ONCE, forget_old_lines
from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from tests.builders import (
    BENEFIT,
    BIRTH,
    a_birth,
    a_child,
    a_mother,
    a_nino,
    a_register_request,
    a_resolve_request,
)
from tests.integration.identity.running import Point, in_one_call

pytestmark = pytest.mark.integration

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
async def point(identity):
    """A live process of notifications, asked for what it has not handed over."""
    async with Point(identity) as running:
        await identity.points.Register(
            EnforcementPointsRegisterRequest(instance=running.instance, address=running.address)
        )
        yield running


def a_waiting_line(subject, at, **changed):
    about = {
        "id": new_random_id(),
        "subject": subject,
        "at": at,
        "reader_kind": access_line_pb2.READER_KIND_PERSON,
        "action": access_line_pb2.ACCESS_ACTION_READ,
        "purpose": "own_data",
        "fields": ["inbox"],
    }
    return access_line_pb2.AccessLine(**about | changed)


def an_attempt(*identifiers, reason="scope_denied", **changed):
    about = {
        "publisher": "dwp",
        "type": BIRTH,
        "reason": reason,
        "persons": [access_log_pb2.AttemptedPerson(identifiers=identifiers)],
        "traceparent": TRACEPARENT,
    }
    return access_log_pb2.RefusedAttempt(**about | changed)


async def refuse(identity, *attempts):
    request = access_log_pb2.AccessLogRefuseRequest(attempts=attempts)
    return await identity.access_log_for("events").Refuse(request)


async def append(identity, *lines):
    request = access_log_pb2.AccessLogAppendRequest(lines=lines)
    await identity.access_log_for("notifications").Append(request)


async def others(identity, handle):
    """What others read of a person, without the operator who registered them."""
    listed = await identity.access_log(handle, others_only=True, language="en")
    return [e for e in listed.entries if e.reader_kind != access_line_pb2.READER_KIND_OPERATOR]


def rows(url, query="SELECT count(*) FROM access_lines"):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


async def test_a_decision_about_an_event_is_a_line_of_its_publisher(identity, mair):
    request = a_birth(a_child(), a_mother(a_nino(1)), traceparent=TRACEPARENT)

    await identity.subjects.Resolve(request)

    [line] = await others(identity, mair)
    assert line.reader == "gro"
    assert line.reader_name == "General Register Office for England and Wales"
    assert (line.purpose, line.lawful_basis) == (BIRTH, "public_task")
    assert (list(line.fields), line.event_id, line.trace_id) == (["age"], request.event_id, TRACE)
    assert line.sentence.startswith("General Register Office for England and Wales told us")
    assert "your age" in line.sentence
    assert "32" not in line.sentence


async def test_the_language_is_the_persons_own_unless_they_ask_for_another(identity, mair):
    await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(1))))

    listed = await identity.access_log(mair, others_only=True)

    assert listed.entries[0].sentence.startswith("Dywedodd Swyddfa Gofrestru Gyffredinol")


async def test_each_event_of_many_is_a_line_with_its_own_trace_and_once(identity, mair):
    births = [
        a_birth(a_child(name), a_mother(a_nino(1)), traceparent=f"00-{n:032x}-{n:016x}-00")
        for n, name in enumerate(("Ada", "Ben", "Cai"), start=1)
    ]

    await in_one_call(identity, births)
    await in_one_call(identity, births)

    lines = await others(identity, mair)
    assert {line.event_id: line.trace_id for line in lines} == {
        birth.event_id: f"{n:032x}" for n, birth in enumerate(births, start=1)
    }
    assert len(lines) == 3
    assert [line.fields[-1] for line in lines].count("earlier_events") == 2


async def test_somebody_nobody_knew_has_a_line_too(identity):
    await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(9))))
    registered = await identity.register(a_register_request(a_nino(9)))

    assert [line.reader for line in await others(identity, registered.subject)] == ["gro"]


async def test_what_a_person_looks_at_themselves_is_a_line_that_can_be_left_out(identity, mair):
    await identity.permissions_of(mair).List(permissions_pb2.ListRequest())
    await identity.permissions_of(mair).History(permissions_pb2.HistoryRequest())

    listed = await identity.access_log(mair, language="en")

    assert [entry.sentence for entry in listed.entries[:2]] == [
        "You looked at: the history of your choices.",
        "You looked at: your choices.",
    ]
    assert [entry.reader for entry in listed.entries[:2]] == ["", ""]
    assert await others(identity, mair) == []


async def test_services_that_keep_to_choices_are_one_line_a_day_each(identity, mair):
    for _ in range(3):
        await identity.snapshot(mair, new_random_id())

    [line] = await others(identity, mair)
    assert (line.reader, list(line.fields)) == ("nudges", ["choices"])
    assert rows(identity.pool.conninfo)[0][0] == 2


async def test_an_operator_who_registers_somebody_is_a_line(identity):
    person = subjects_pb2.Person(identifiers=[a_nino(1)], sex="F")
    registered = await identity.register(a_register_request(person=person))

    [line] = (await identity.access_log(registered.subject, language="en")).entries
    assert line.reader_kind == access_line_pb2.READER_KIND_OPERATOR
    assert list(line.fields) == ["identifiers", "sex"]


async def test_a_refused_attempt_is_a_line_of_whom_it_named_and_of_nobody_else(identity, mair):
    answers = [
        await refuse(identity, an_attempt(a_nino(1), reason="basis_not_yours")),
        await refuse(identity, an_attempt(a_nino(77))),
        await refuse(identity, an_attempt()),
    ]

    [line] = await others(identity, mair)
    assert (line.reader, line.reason, line.trace_id) == ("dwp", "basis_not_yours", TRACE)
    assert line.action == access_line_pb2.ACCESS_ACTION_REFUSED
    assert line.sentence.startswith("Department for Work and Pensions tried to use your data on a")
    assert answers[0] == answers[1] == answers[2]


async def test_known_or_not_the_same_is_written_down(identity, mair):
    """The statement that finds nobody does what the other does, so it takes as long."""
    before = rows(identity.pool.conninfo)[0][0]
    await refuse(identity, an_attempt(a_nino(1)))
    known = rows(identity.pool.conninfo)[0][0]
    await refuse(identity, an_attempt(a_nino(77)))

    assert (known - before, rows(identity.pool.conninfo)[0][0] - known) == (1, 1)
    names = "SELECT count(*) FROM subject_identifiers"
    assert rows(identity.pool.conninfo, names)[0][0] == 1


async def test_pages_go_on_where_the_last_one_ended_and_are_their_persons(identity, mair, point):
    births = [a_birth(a_child(name), a_mother(a_nino(1))) for name in ("Ada", "Ben", "Cai")]
    for birth in births:
        await identity.subjects.Resolve(birth)
    now = identity.clock.now()
    point.waiting = [a_waiting_line(mair, now + timedelta(seconds=n)) for n in range(3)]
    seen: list[str] = []
    token = ""
    while not seen or token:
        page = await identity.access_log(mair, page_size=2, page_token=token)
        seen += [entry.id for entry in page.entries]
        token = page.next_page_token
        assert not page.incomplete

    whole = await identity.access_log(mair)
    assert seen == [entry.id for entry in whole.entries]
    assert len(set(seen)) == 7
    assert seen[:3] == [line.id for line in reversed(point.waiting)]
    first = await identity.access_log(mair, page_size=2)
    for handle, stolen in ((new_random_id(), first.next_page_token), (mair, "made-up")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await identity.access_log(handle, page_token=stolen)
        assert reason_of(refused.value) == "page_token_invalid"


async def test_a_line_that_is_being_handed_over_stands_once(identity, mair, point):
    line = a_waiting_line(mair, identity.clock.now())
    point.waiting = [line]
    await append(identity, line)
    await append(identity, line)

    listed = await identity.access_log(mair)

    assert [entry.id for entry in listed.entries].count(line.id) == 1
    point.waiting = []
    assert line.id in [entry.id for entry in (await identity.access_log(mair)).entries]


async def test_a_page_says_that_it_is_incomplete_while_notifications_is_away(identity, mair, point):
    assert not (await identity.access_log(mair)).incomplete
    point.answering.clear()

    listed = await identity.access_log(mair)

    assert listed.incomplete
    assert listed.entries


async def test_while_the_log_is_away_nothing_is_read(identity, mair):
    """No line, no bytes: every call that reads a person is UNAVAILABLE and leaves nothing."""
    birth = a_birth(a_child(), a_mother(a_nino(1)))
    person = identity.permissions_of(mair)
    await rename(identity, "access_lines", "access_lines_away")
    for call in (
        identity.subjects.Resolve(birth),
        in_one_call(identity, [birth, a_benefit()]),
        person.List(permissions_pb2.ListRequest()),
        person.History(permissions_pb2.HistoryRequest()),
        identity.snapshot(mair),
        identity.register(a_register_request(a_nino(2))),
        refuse(identity, an_attempt(a_nino(1))),
        identity.access_log(mair),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert reason_of(refused.value) == "store_unavailable"
    assert rows(identity.pool.conninfo, "SELECT count(*) FROM resolved_events")[0][0] == 0
    await rename(identity, "access_lines_away", "access_lines")

    await identity.subjects.Resolve(birth)

    assert [line.event_id for line in await others(identity, mair)] == [birth.event_id]


async def test_a_read_waits_for_its_line_and_is_given_up_with_it(identity, mair):
    """The line is on disk before the answer: while it cannot be written there is no answer."""
    with psycopg.connect(identity.pool.conninfo) as holder:
        holder.execute("LOCK TABLE access_lines IN EXCLUSIVE MODE")
        call = identity.permissions_of(mair).List(permissions_pb2.ListRequest(), timeout=10)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_old_lines_are_forgotten_a_bounded_number_at_a_time(identity, mair):
    now = identity.clock.now()
    old = [a_waiting_line(mair, now - timedelta(days=401, seconds=n)) for n in range(3)]
    young = a_waiting_line(mair, now - timedelta(days=399))
    await append(identity, *old, young)
    log = PostgresAccessLog(identity.pool)

    assert await log.forget(now - timedelta(days=400), limit=2) == 2
    assert await forget_old_lines(log, now, timedelta(days=400)) == 1 < FORGOTTEN_AT_ONCE
    assert await forget_old_lines(log, now, timedelta(days=400)) == 0

    left = {entry.id for entry in (await identity.access_log(mair)).entries}
    assert young.id in left
    assert not left & {line.id for line in old}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"id": ""}, "field_required"),
        ({"purpose": "x" * 201}, "text_too_long"),
        ({"reader_kind": 77}, "enum_unknown"),
        ({"purpose": "a\0b"}, "text_control_char"),
        ({"fields": ["x"] * 101}, "list_too_long"),
    ],
)
async def test_a_line_that_is_none_is_refused(identity, changed, code):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await append(identity, a_waiting_line("a" * 26, identity.clock.now(), **changed))

    assert reason_of(refused.value) == code


@pytest.mark.parametrize("asked", [{"page_size": 101}, {"page_size": -1}, {"language": "fr"}])
async def test_a_page_that_is_none_is_refused(identity, mair, asked):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await identity.access_log(mair, **asked)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_nobody_else_may_read_or_write_a_log(identity):
    request = access_log_pb2.AccessLogListRequest()
    for service in ("operator", "events", "notifications"):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await identity.access_log_for(service).List(request)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await identity.access_log_for("nudges").Append(access_log_pb2.AccessLogAppendRequest())
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_lines_of_many_readers_at_once_are_all_there(identity, mair):
    events = [a_birth(a_child(f"Ada {n}"), a_mother(a_nino(1))) for n in range(8)]

    await asyncio.gather(*(identity.subjects.Resolve(event) for event in events))

    lines = await others(identity, mair)
    assert {line.event_id for line in lines} == {event.event_id for event in events}


def a_benefit():
    claimant = subjects_pb2.Person(role="claimant", identifiers=[a_nino(1)])
    facts = {"award_from": "2026-11-01", "has_children": True}
    return a_resolve_request(BENEFIT, [claimant], facts, publisher="dwp")


async def rename(identity, before, after):
    async with identity.pool.connection() as connection:
        await connection.execute(f"ALTER TABLE {before} RENAME TO {after}")
