"""The bad input of gRPC against a running notifications: each gets its own clear refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from joinedup.notifications.v1 import prompts_pb2
from services.kit.ids import new_random_id
from tests.corpus.grpc_corpus import Entry, asked, entries, rpcs, run
from tests.integration.notifications.running import eventually
from tests.unit.notifications.builders import a_decision, a_nudge_decision

if TYPE_CHECKING:
    from tests.integration.notifications.identity import Identity
    from tests.integration.notifications.running import Around, Log, Replica

PACKAGE = "joinedup.notifications.v1"
RPCS = rpcs(PACKAGE)


@pytest.mark.asyncio(loop_scope="module")
async def test_every_entry_of_the_corpus_is_refused_as_it_says(
    replica: Replica, around: Around, identity: Identity, log: Log
):
    mair, nia = new_random_id(), new_random_id()
    values = await given((replica, identity, log), around.database, mair, nia)
    tokens = {
        "person": replica.keys.person_token(mair),
        "identity": replica.keys.service_token("identity", "notifications")(),
    }
    before = everything(around.database)

    for entry in entries():
        for rpc in asked(entry, RPCS):
            await run(entry, rpc, replica.target, tokens, values)

    assert everything(around.database) == before


async def given(
    running: tuple[Replica, Identity, Log], database: str, mair: str, nia: str
) -> dict[str, str]:
    """Two prompts each, in the inbox; Nia has them on her device too."""
    replica, identity, log = running
    prompts = {}
    for subject, channels in ((mair, ["inbox"]), (nia, ["inbox", "stream"])):
        identity.give(subject)
        nudges = [a_nudge_decision(channels=channels) for _ in range(2)]
        await log.decide(a_decision(*nudges, subject=subject))
        await eventually(replica.person(subject).inbox)
        prompts[subject] = nudges[0].prompt_id
    async with replica.person(nia).listening() as stream:
        await eventually(lambda: is_settled(database))
    page = await replica.person(mair).stub.List(prompts_pb2.ListRequest(page_size=1))
    cursor = stream.frames[0].cursor
    return {
        "own_prompt": prompts[mair],
        "foreign_prompt": prompts[nia],
        "foreign_cursor": cursor,
        "tampered_cursor": ("B" if cursor[0] == "A" else "A") + cursor[1:],
        "page_token": page.next_page_token,
    }


def is_settled(database: str) -> bool:
    """Whether all that was on its way has arrived."""
    states = {(channel, state) for _, channel, state, *_ in everything(database)}
    return states == {("inbox", "sent"), ("stream", "delivered")}


def everything(database: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT prompt_id, channel, state, fence, answer FROM ledger ORDER BY 1, 2"
        ).fetchall()


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_entry_is_for_somebody(entry: Entry):
    packages = (PACKAGE, "joinedup.identity.v1", "joinedup.events.v1")

    assert any(entry.is_for(rpc.name) for package in packages for rpc in rpcs(package))
