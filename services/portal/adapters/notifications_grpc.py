"""Asking notifications for a person's prompts."""

from typing import Final

import grpc

from joinedup.notifications.v1 import prompts_pb2
from joinedup.notifications.v1.prompts_pb2_grpc import PromptsStub
from services.portal import wire
from services.portal.adapters.grpc_errors import Table, asking, bearing
from services.portal.domain.errors import PageUnknown, PromptUnavailable
from services.portal.domain.prompts import InboxPage, Opinion, Prompt

PART: Final = "notifications"
CHANNEL: Final = "inbox"
PAGE_SIZE: Final = 20

# One answer for all of them: why a prompt cannot be shown may itself say too much.
_NOT_SHOWN: Final[Table] = {
    grpc.StatusCode.FAILED_PRECONDITION: PromptUnavailable,
    grpc.StatusCode.INVALID_ARGUMENT: PromptUnavailable,
    grpc.StatusCode.NOT_FOUND: PromptUnavailable,
}


class NotificationsPrompts:
    """Implements `Prompts`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._prompts = PromptsStub(channel)

    async def inbox(self, token: str, page_token: str) -> InboxPage:
        """A page of the inbox; raises PageUnknown."""
        request = prompts_pb2.ListRequest(page_size=PAGE_SIZE, page_token=page_token)
        with asking(PART, {grpc.StatusCode.INVALID_ARGUMENT: PageUnknown}):
            return wire.inbox_page(await self._prompts.List(request, metadata=bearing(token)))

    async def open(self, token: str, prompt_id: str, language: str) -> Prompt:
        """Open through the gate."""
        request = prompts_pb2.OpenRequest(prompt_id=prompt_id, channel=CHANNEL, language=language)
        with asking(PART, _NOT_SHOWN):
            return wire.prompt(await self._prompts.Open(request, metadata=bearing(token)))

    async def respond(self, token: str, prompt_id: str, opinion: Opinion) -> None:
        """Note what the person made of it."""
        request = prompts_pb2.RespondRequest(
            prompt_id=prompt_id, channel=CHANNEL, response=wire.response(opinion)
        )
        with asking(PART, _NOT_SHOWN):
            await self._prompts.Respond(request, metadata=bearing(token))
