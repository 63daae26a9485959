"""Reading prompts and saying whether they helped."""

from services.portal.domain.prompts import InboxPage, Opinion, Prompt
from services.portal.ports import Prompts


async def list_prompts(prompts: Prompts, token: str, page_token: str) -> InboxPage:
    """A page of the person's inbox."""
    return await prompts.inbox(token, page_token)


async def open_prompt(prompts: Prompts, token: str, prompt_id: str, language: str) -> Prompt:
    """A prompt with its why, if it may still be shown at this moment."""
    return await prompts.open(token, prompt_id, language)


async def rate_prompt(prompts: Prompts, token: str, prompt_id: str, opinion: Opinion) -> None:
    """Note whether it helped."""
    await prompts.respond(token, prompt_id, opinion)
