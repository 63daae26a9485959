"""What is read of a person leaves a line with the read, and the line gets to identity."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import grpc
import psycopg
import pytest

from joinedup.identity.v1 import access_line_pb2
from joinedup.notifications.v1 import access_lines_pb2, access_lines_pb2_grpc, decisions_pb2
from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from tests.integration.notifications.running import eventually
from tests.unit.notifications.builders import a_decision, a_nudge_decision

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERSON, OPERATOR = access_line_pb2.READER_KIND_PERSON, access_line_pb2.READER_KIND_OPERATOR


@pytest.fixture(autouse=True)
def keeping(identity):
    identity.keeping_no_lines = False
    yield
    identity.keeping_no_lines = False


async def with_a_prompt(replica, identity, log):
    """A person with a prompt in their inbox, and its decision."""
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    decision = a_decision(a_nudge_decision(), subject=mair.subject)
    await log.decide(decision)
    await eventually(mair.inbox)
    return mair, decision


async def kept(identity, subject, number, of=""):
    """The lines about a person that identity took over, once there are so many."""

    def lines():
        found = [line for line in identity.lines if line.subject == subject]
        chosen = [line for line in found if not of or of in line.fields]
        return chosen if len(chosen) >= number else None

    return await eventually(lines)


async def pending(replica, subject, **asked):
    stub = access_lines_pb2_grpc.AccessLinesStub(replica.service("identity"))
    request = access_lines_pb2.PendingRequest(**{"subject": subject, "limit": 50} | asked)
    return list((await stub.Pending(request)).lines)


@asynccontextmanager
async def no_table(replica):
    """While it lasts, lines cannot be written."""
    url = replica.settings.database_url.get_secret_value()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE access_lines RENAME TO access_lines_away")
        yield
        connection.execute("ALTER TABLE access_lines_away RENAME TO access_lines")


async def test_opening_a_prompt_is_a_line_with_the_names_of_what_it_shows(replica, identity, log):
    mair, decision = await with_a_prompt(replica, identity, log)
    prompt_id = decision.nudges[0].prompt_id

    await mair.open(prompt_id)

    [line] = await kept(identity, mair.subject, 1, "prompt")
    assert (line.reader_kind, line.reader) == (PERSON, "")
    assert (line.prompt_id, line.event_id) == (prompt_id, decision.event_id)
    assert (line.purpose, line.lawful_basis) == ("family", "explicit_consent")
    assert line.fields[0] == "prompt"
    assert not any("." in name and name.startswith("derived") for name in line.fields)
    assert abs(line.at.ToDatetime(UTC) - datetime.now(UTC)).total_seconds() < 60


async def test_looking_at_the_inbox_and_asking_why_are_lines(replica, identity, log):
    mair, decision = await with_a_prompt(replica, identity, log)

    await mair.explain(decisions_pb2.ExplainRequest(id=decision.event_id))
    await replica.explain(decisions_pb2.ExplainRequest(id=decision.event_id))

    lines = await kept(identity, mair.subject, 2, "decision")
    assert {(line.reader_kind, line.purpose) for line in lines} == {
        (PERSON, "own_data"),
        (OPERATOR, "why"),
    }
    assert await kept(identity, mair.subject, 1, "inbox")


async def test_what_identity_has_not_taken_over_waits_and_can_be_asked_for(replica, identity, log):
    mair, decision = await with_a_prompt(replica, identity, log)
    identity.keeping_no_lines = True
    await mair.open(decision.nudges[0].prompt_id)
    await replica.explain(decisions_pb2.ExplainRequest(id=decision.event_id))

    waiting = await pending(replica, mair.subject)

    newest = [(line.reader_kind, line.fields[0]) for line in waiting[:2]]
    assert newest == [(OPERATOR, "decision"), (PERSON, "prompt")]
    assert await pending(replica, mair.subject, others_only=True) == waiting[:1]
    behind = {"before_at": waiting[0].at, "before_id": waiting[0].id}
    assert await pending(replica, mair.subject, limit=1, **behind) == waiting[1:2]
    assert await pending(replica, new_random_id()) == []
    identity.keeping_no_lines = False
    await mair.inbox()
    taken = await kept(identity, mair.subject, 1, "prompt")
    assert waiting[1] in taken

    async def none_waits():
        return not await pending(replica, mair.subject)

    await eventually(none_waits)


async def test_without_its_line_nothing_is_read(replica, identity, log):
    mair, decision = await with_a_prompt(replica, identity, log)
    prompt_id = decision.nudges[0].prompt_id
    before = await mair.inbox()
    request = decisions_pb2.ExplainRequest(id=decision.event_id)
    async with no_table(replica):
        for call in (
            mair.open(prompt_id),
            mair.inbox(),
            mair.explain(request),
            replica.explain(request),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
            assert reason_of(refused.value) == "store_unavailable"

    assert await mair.inbox() == before
    assert (await mair.open(prompt_id)).title


async def test_what_was_refused_or_not_there_reads_nothing_and_leaves_no_line(replica, identity):
    mair = replica.person(new_random_id())
    identity.give(mair.subject)
    identity.keeping_no_lines = True
    for call in (
        mair.open(new_random_id()),
        mair.explain(decisions_pb2.ExplainRequest(id=new_random_id())),
    ):
        with pytest.raises(grpc.aio.AioRpcError):
            await call

    assert await pending(replica, mair.subject) == []


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"subject": "x"}, "id_malformed"),
        ({"limit": 0}, "page_size_range"),
        ({"limit": 201}, "page_size_range"),
    ],
)
async def test_a_question_that_is_none_is_refused(replica, asked, code):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await pending(replica, **{"subject": new_random_id()} | asked)

    assert reason_of(refused.value) == code


async def test_nobody_but_identity_may_ask(replica):
    stub = access_lines_pb2_grpc.AccessLinesStub(replica.service("operator"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Pending(access_lines_pb2.PendingRequest(subject=new_random_id(), limit=1))

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
