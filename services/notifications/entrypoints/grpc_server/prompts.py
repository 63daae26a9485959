"""joinedup.notifications.v1.Prompts: for the person whose token it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from opentelemetry import trace

from joinedup.notifications.v1 import prompts_pb2, prompts_pb2_grpc
from services.kit.ids import is_id
from services.kit.telemetry import current_traceparent
from services.notifications import metrics
from services.notifications.domain.errors import PromptUnknown, PromptWithdrawn
from services.notifications.domain.prompt import Content
from services.notifications.domain.tokens import PlaceTokens
from services.notifications.entrypoints.grpc_server.looks import Looks
from services.notifications.entrypoints.grpc_server.refusals import (
    channel_of,
    invalid,
    language_of,
    refusals,
    subject_of,
)
from services.notifications.entrypoints.grpc_server.subscribe import Subscribing, subscribe
from services.notifications.handlers.list_inbox import list_inbox
from services.notifications.handlers.open_prompt import Opening, open_prompt
from services.notifications.handlers.respond import answer_prompt, receive_prompt
from services.notifications.ports import OpenPrompt, Prompts, Streams
from services.notifications.wire.decisions import STATES
from services.notifications.wire.prompts import ANSWERS, list_response, open_response

PAGE_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class PromptsOn:
    """What the RPCs of a person stand on; `committed` is told of what was put into an outbox."""

    prompts: Prompts
    opening: Opening
    subscribing: Subscribing
    streams: Streams
    tokens: PlaceTokens
    now: Callable[[], datetime]
    looks: Looks
    committed: Callable[[], None]


class PromptsServicer(prompts_pb2_grpc.PromptsServicer):
    """The person's prompts."""

    def __init__(self, on: PromptsOn) -> None:
        self._on = on

    async def Subscribe(  # type: ignore[override]  # noqa: N802  # the contract's name; writes itself
        self, request: prompts_pb2.SubscribeRequest, context: Any
    ) -> None:
        """Stream sealed prompts from a cursor on."""
        with refusals():
            await subscribe(subject_of(context), request.cursor, context, self._on.subscribing)

    async def List(  # noqa: N802  # the contract's name
        self, request: prompts_pb2.ListRequest, context: Any
    ) -> prompts_pb2.ListResponse:
        """A page of the inbox, sealed."""
        if not 0 <= request.page_size <= PAGE_MOST:
            raise invalid("page_size", "page_size_range")
        with refusals():
            page, next_page = await list_inbox(
                self._on.looks().at_inbox(subject_of(context)),
                request.page_size,
                request.page_token,
                self._on.prompts,
                self._on.tokens,
            )
        self._on.committed()
        return list_response(page, next_page)

    async def Open(  # noqa: N802  # the contract's name
        self, request: prompts_pb2.OpenRequest, context: Any
    ) -> prompts_pb2.OpenResponse:
        """Open one prompt through the gate.

        A fence of this person waits until the answer has left, or the call has failed.
        """
        opening = OpenPrompt(
            subject=subject_of(context),
            prompt_id=_prompt_id(request.prompt_id),
            channel=channel_of(request.channel),
            language=language_of(request.language, context),
            traceparent=current_traceparent(),
            look=self._on.looks(),
        )
        _note("joinedup.prompt_id", opening.prompt_id)
        _note("joinedup.channel", opening.channel.value)
        with refusals(), self._on.streams.opening(opening.subject) as ended:
            content = await self._open(opening)
            context.add_done_callback(lambda _context: ended())
        return open_response(content)

    async def _open(self, opening: OpenPrompt) -> Content:
        outcome = "refused"
        try:
            content = await open_prompt(opening, self._on.opening, now=self._on.now)
            outcome = "opened"
        except PromptWithdrawn:
            outcome = "withdrawn"
            raise
        finally:
            _note("joinedup.outcome", outcome)
            metrics.OPENED.add(
                1, {"joinedup.channel": opening.channel.value, "joinedup.outcome": outcome}
            )
        _note("joinedup.nudge", content.nudge.partition(" ")[0])
        self._on.committed()
        return content

    async def Respond(  # noqa: N802  # the contract's name
        self, request: prompts_pb2.RespondRequest, context: Any
    ) -> prompts_pb2.RespondResponse:
        """Keep what the device or the person says."""
        subject = subject_of(context)
        channel = channel_of(request.channel)
        prompt_id = _prompt_id(request.prompt_id)
        _note("joinedup.prompt_id", prompt_id)
        with refusals():
            if request.response == prompts_pb2.RESPONSE_RECEIVED:
                state = await receive_prompt(
                    subject, prompt_id, channel, self._on.prompts, now=self._on.now()
                )
                return prompts_pb2.RespondResponse(state=STATES[state])
            answer = ANSWERS.get(request.response)
            if answer is None:
                raise invalid("response", "enum_unknown" if request.response else "field_required")
            state = await answer_prompt(
                *(subject, prompt_id, channel, answer, self._on.prompts),
                now=self._on.now(),
                traceparent=current_traceparent(),
            )
        self._on.committed()
        return prompts_pb2.RespondResponse(state=STATES[state])


def _prompt_id(text: str) -> str:
    """An id as it may be looked for; what cannot be one is answered like one nobody knows."""
    if not is_id(text):
        with refusals():
            raise PromptUnknown
    return text


def _note(name: str, value: str) -> None:
    trace.get_current_span().set_attribute(name, value)
