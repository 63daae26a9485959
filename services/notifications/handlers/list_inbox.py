"""A person looks at their inbox, still sealed."""

from typing import Final

from services.notifications.domain.access_line import AccessLine
from services.notifications.domain.prompt import InboxEntry
from services.notifications.domain.tokens import PlaceTokens
from services.notifications.ports import Prompts

DEFAULT_PAGE: Final = 50


async def list_inbox(
    look: AccessLine, page_size: int, page_token: str, prompts: Prompts, tokens: PlaceTokens
) -> tuple[list[InboxEntry], str]:
    """A page of entries, newest first, and the token of the next (empty after the last).

    A page size of 0 means 50. Raises PageTokenInvalid.
    """
    size = page_size or DEFAULT_PAGE
    after = tokens.after(look.subject, page_token)
    found = await prompts.inbox(look, after, size + 1)
    page = found[:size]
    more = len(found) > size
    return page, tokens.page(look.subject, page[-1].at, page[-1].prompt_id) if more else ""
