"""The bad input of gRPC against the events service: refused as it says, and nothing left behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import grpc
import pytest

from joinedup.events.v1 import life_events_pb2 as pb
from joinedup.events.v1.life_events_pb2_grpc import LifeEventsStub
from tests.corpus.grpc_corpus import Entry, asked, entries, rpcs, run
from tests.corpus.publisher_tokens import token_of
from tests.events_service import rows_of

if TYPE_CHECKING:
    from tests.events_service import EventsService, Log

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

RPCS = rpcs("joinedup.events.v1")
AUDIT = "services.events.audit"
WRITTEN = "SELECT (SELECT count(*) FROM admissions), (SELECT count(*) FROM decided)"
PERSONAL = ("QQ123456C", "Mair", "Bevan", "CF10 1AA", "1994-02-03", "corpus-")


ENTRIES = [each for each in entries() if asked(each, RPCS) and "resets" not in each.call]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
async def test_every_entry_is_refused_as_it_says_and_leaves_nothing(
    entry: Entry, service: EventsService, log: Log, events_database_url: str
) -> None:
    for rpc in asked(entry, RPCS):
        token = token_for(entry, service)
        log.new()
        stood, asked_before = rows_of(events_database_url, WRITTEN), len(service.identity.asked)
        said = len(service.log_text())

        answered = await run(entry, rpc, service.target, {"publisher": token})

        written = service.log_text()[said:]
        for value in (*PERSONAL, token):
            assert value not in answered
            assert value not in written
        lines = [json.loads(line) for line in written.splitlines()]
        audited = [(each["code"], each["publisher"]) for each in lines if each["logger"] == AUDIT]
        expected = entry.expect
        assert audited == ([(expected["code"], expected["audit"])] if "audit" in expected else [])
        assert rows_of(events_database_url, WRITTEN) == stood
        assert len(service.identity.asked) == asked_before
        assert log.new() == []


def token_for(entry: Entry, service: EventsService) -> str:
    """A fresh token as the entry wants it, or one that was used up by a question just now."""
    wanted = entry.call.get("token", {})
    if wanted != "again":
        return token_of(service, {} if wanted == "none" else wanted)
    token = service.token()
    metadata = (("authorization", f"Bearer {token}"),)
    with grpc.insecure_channel(service.target) as channel:
        ask = LifeEventsStub(channel).Get
        with pytest.raises(grpc.RpcError):
            ask(pb.GetRequest(event_id="a" * 26), timeout=10, metadata=metadata)
    return token
