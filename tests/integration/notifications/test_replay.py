"""The log read again from its start: nothing is sent twice."""

from __future__ import annotations

import psycopg
import pytest
from kafka.admin import KafkaAdminClient

from services.kit.ids import new_random_id
from tests.integration.notifications.running import eventually, in_this_process
from tests.unit.notifications.builders import a_call_off, a_decision, a_later_decision

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_reading_the_log_again_from_its_start_sends_nothing(around, identity, log):
    mair = new_random_id()
    identity.give(mair)
    decisions = [a_decision(subject=mair) for _ in range(5)]
    amended, cancelled = (each.nudges[0] for each in decisions[:2])
    later = [
        a_later_decision(decisions[0], amended),
        a_later_decision(decisions[1], a_call_off(cancelled)),
    ]
    async with in_this_process(around) as replica:
        person = replica.person(mair)
        async with person.listening() as stream:
            for decision in decisions:
                await log.decide(decision)
            before = await stream.got(5)
            for decision in later:
                await log.decide(decision)
            await eventually(lambda: ended(around.database, cancelled.prompt_id))
            cursor = stream.frames[-1].cursor

    with KafkaAdminClient(bootstrap_servers=around.kafka) as admin:
        admin.delete_groups(["notifications.ledger"])
    rows = ledger(around.database)

    async with in_this_process(around) as replica:
        person = replica.person(mair)
        async with person.listening(cursor) as stream:
            marker = a_decision(subject=mair)
            await log.decide(marker)
            assert await stream.got(1, 20) == [marker.nudges[0].prompt_id]

    assert len(set(before)) == 5
    assert [row for row in ledger(around.database) if row[0] in set(before)] == rows


def ended(database: str, prompt_id: str) -> bool:
    states = {row[2] for row in ledger(database) if row[0] == prompt_id}
    return states == {"suppressed"}


def ledger(database: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT prompt_id, channel, state, event_id, fence, attempt, position, sent_at"
            " FROM ledger ORDER BY 1, 2"
        ).fetchall()
