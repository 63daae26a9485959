"""A person opens a prompt: the gate once more, then its words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.notifications.domain.errors import PermissionsUnavailable
from services.notifications.domain.lease import Confirmed, ServingLease
from services.notifications.domain.prompt import Content, OpenedPrompt
from services.notifications.domain.rendering import render
from services.notifications.handlers.confirm_permissions import confirm_permissions, read_through
from services.notifications.ports import Gate, OpenPrompt, Permissions, Prompts, Texts


@dataclass(frozen=True, slots=True)
class Opening:
    """What opening stands on."""

    prompts: Prompts
    gate: Gate
    permissions: Permissions
    confirmed: Confirmed
    lease: ServingLease
    texts: Texts


async def open_prompt(request: OpenPrompt, on: Opening, *, now: Callable[[], datetime]) -> Content:
    """The prompt's content, if the gate lets it through at this moment.

    Raises PromptUnknown, PromptWithdrawn, ContentUnavailable, PermissionsUnavailable, LeaseLost
    and StoreUnavailable. The lease is looked at again at the end: content that was let through
    while it lived must not leave after it.
    """
    term = await confirm_permissions(
        [request.subject],
        confirmed=on.confirmed,
        lease=on.lease,
        permissions=on.permissions,
        gate=on.gate,
    )

    def words(opened: OpenedPrompt) -> Content:
        on.lease.require(term)
        return render(opened, on.texts.names, request.language)

    content = await on.prompts.open(request, words, now=now())
    if content is None:
        await read_through([request.subject], permissions=on.permissions, gate=on.gate)
        content = await on.prompts.open(request, words, now=now())
    if content is None:
        raise PermissionsUnavailable
    on.lease.require(term)
    return content
