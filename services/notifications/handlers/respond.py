"""A device or a person says what became of a prompt."""

from datetime import datetime

from services.notifications.domain.ledger import Channel, State
from services.notifications.domain.prompt import Answer
from services.notifications.ports import Prompts


async def receive_prompt(
    subject: str, prompt_id: str, channel: Channel, prompts: Prompts, *, now: datetime
) -> State:
    """The device has it and remembers that it has. Raises PromptUnknown."""
    return await prompts.received(subject, prompt_id, channel, now=now)


async def answer_prompt(
    subject: str,
    prompt_id: str,
    channel: Channel,
    answer: Answer,
    prompts: Prompts,
    *,
    now: datetime,
    traceparent: str,
) -> State:
    """The person says whether it helped. Raises PromptUnknown and PromptNotOpened."""
    return await prompts.answer(
        subject, prompt_id, channel, answer, now=now, traceparent=traceparent
    )
