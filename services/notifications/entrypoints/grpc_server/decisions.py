"""joinedup.notifications.v1.Decisions: why, and why not."""

from typing import Any

from joinedup.notifications.v1 import decisions_pb2, decisions_pb2_grpc
from services.kit.ids import is_id
from services.kit.rpc import caller_of
from services.notifications.domain.errors import NothingExplained
from services.notifications.entrypoints.grpc_server.refusals import refusals
from services.notifications.handlers.explain import explain
from services.notifications.ports import Decisions
from services.notifications.wire.decisions import explain_response


class DecisionsServicer(decisions_pb2_grpc.DecisionsServicer):
    """Every decision that was kept."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    async def Explain(  # noqa: N802  # the contract's name
        self, request: decisions_pb2.ExplainRequest, context: Any
    ) -> decisions_pb2.ExplainResponse:
        """A person's own decision, or for an operator all of the event's without any person."""
        with refusals():
            if not is_id(request.id):
                raise NothingExplained
            # The table lets persons and operators in; only a person's token names a subject.
            found = await explain(request.id, caller_of(context).subject, self._decisions)
        return explain_response(found)
