"""What a person asks of their prompts, and what they are answered."""

from typing import Final

from joinedup.notifications.v1 import prompts_pb2
from services.notifications.domain.prompt import (
    SEALED_LINE,
    Answer,
    Content,
    InboxEntry,
    Recall,
    StreamItem,
    WhyFact,
)
from services.notifications.wire.decisions import STATES
from services.notifications.wire.times import timestamp

ANSWERS: Final = {
    prompts_pb2.RESPONSE_HELPFUL: Answer.HELPFUL,
    prompts_pb2.RESPONSE_NOT_HELPFUL: Answer.NOT_HELPFUL,
    prompts_pb2.RESPONSE_DONE: Answer.DONE,
}
_RESPONSES: Final = {answer: response for response, answer in ANSWERS.items()}

HEARTBEAT: Final = prompts_pb2.SubscribeResponse(heartbeat=prompts_pb2.Heartbeat())


def sealed(item: StreamItem, cursor: str, traceparent: str) -> prompts_pb2.SubscribeResponse:
    """A prompt on the stream."""
    return prompts_pb2.SubscribeResponse(
        prompt=prompts_pb2.SealedPrompt(
            prompt_id=item.prompt_id,
            line=SEALED_LINE,
            cursor=cursor,
            traceparent=traceparent,
        )
    )


def withdrawn(recall: Recall, cursor: str) -> prompts_pb2.SubscribeResponse:
    """The end of a prompt that was on the stream."""
    return prompts_pb2.SubscribeResponse(
        withdrawn=prompts_pb2.WithdrawnPrompt(prompt_id=recall.prompt_id, cursor=cursor)
    )


def list_response(entries: list[InboxEntry], next_page: str) -> prompts_pb2.ListResponse:
    """A page of the inbox."""
    return prompts_pb2.ListResponse(
        entries=[
            prompts_pb2.InboxEntry(
                prompt_id=entry.prompt_id, at=timestamp(entry.at), state=STATES[entry.state]
            )
            for entry in entries
        ],
        next_page_token=next_page,
    )


def open_response(content: Content) -> prompts_pb2.OpenResponse:
    """An opened prompt."""
    return prompts_pb2.OpenResponse(
        prompt_id=content.prompt_id,
        language=content.language.value,
        title=content.title,
        body=content.body,
        link=content.link,
        why=prompts_pb2.Why(
            rule=content.rule,
            facts=[_fact(each) for each in content.facts],
            reference=content.reference,
            lawful_basis=content.lawful_basis,
            controller_name=content.controller_name,
            how_to_object=content.how_to_object,
            contact=content.contact,
            nudge=content.nudge,
        ),
        purpose=content.purpose,
        controller=content.controller,
        deadline=content.deadline,
        value=content.value,
        response=(
            prompts_pb2.RESPONSE_UNSPECIFIED
            if content.answer is None
            else _RESPONSES[content.answer]
        ),
        parts=map(open_response, content.parts),
    )


def _fact(fact: WhyFact) -> prompts_pb2.WhyFact:
    return prompts_pb2.WhyFact(
        label=fact.label, value=fact.value, source=fact.source, date=fact.date
    )
