"""The bad input of gRPC that any server must refuse, against identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.corpus.grpc_corpus import asked, entries, rpcs, run

if TYPE_CHECKING:
    from tests.integration.identity.running import Identity

RPCS = rpcs("joinedup.identity.v1")
SERVICES = ("events", "notifications", "nudges", "operator")


async def test_every_entry_for_any_server_is_refused_as_it_says(identity: Identity, mair: str):
    tokens = {name: identity.keys.signed(name, "identity")() for name in SERVICES}
    tokens["person"], _ = identity.tokens.token(mair, "en", identity.clock.now())

    for entry in entries():
        for rpc in asked(entry, RPCS):
            await run(entry, rpc, identity.target, tokens)
