"""joinedup.notifications.v1.Decisions: why, and why not."""

from collections.abc import Callable
from typing import Any

from joinedup.notifications.v1 import decisions_pb2, decisions_pb2_grpc
from services.kit.ids import is_id
from services.kit.rpc import caller_of
from services.notifications.domain.access_line import ReaderKind
from services.notifications.domain.errors import NothingExplained
from services.notifications.entrypoints.grpc_server.looks import Looks
from services.notifications.entrypoints.grpc_server.refusals import refusals
from services.notifications.handlers.explain import explain
from services.notifications.ports import Decisions
from services.notifications.wire.decisions import explain_response


class DecisionsServicer(decisions_pb2_grpc.DecisionsServicer):
    """Every decision that was kept."""

    def __init__(self, decisions: Decisions, looks: Looks, committed: Callable[[], None]) -> None:
        self._decisions = decisions
        self._looks = looks
        self._committed = committed

    async def Explain(  # noqa: N802  # the contract's name
        self, request: decisions_pb2.ExplainRequest, context: Any
    ) -> decisions_pb2.ExplainResponse:
        """A person's own decision, or for an operator all of the event's without any person."""
        with refusals():
            if not is_id(request.id):
                raise NothingExplained
            # The table lets persons and operators in; only a person's token names a subject.
            subject = caller_of(context).subject
            look = self._looks(ReaderKind.PERSON if subject else ReaderKind.OPERATOR)
            found = await explain(request.id, subject, look, self._decisions)
        self._committed()
        return explain_response(found)
