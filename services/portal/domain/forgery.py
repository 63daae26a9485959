"""Telling a person's own press of a button from a request that another site made them send."""

import hmac
from dataclasses import dataclass

from services.portal.domain.errors import ForgedRequest
from services.portal.domain.seal import Seal

_PURPOSE = "form"


@dataclass(frozen=True)
class Sender:
    """What the browser says of where a request comes from."""

    origin: str | None = None
    fetch_site: str | None = None


def form_token(seal: Seal, session_id: str) -> str:
    """The token that our forms carry for this session."""
    return seal.mark(_PURPOSE, session_id)


def check_sender(sender: Sender, own_origin: str) -> None:
    """Raise ForgedRequest if the browser says that another site sent the request."""
    if sender.fetch_site is not None and sender.fetch_site != "same-origin":
        raise ForgedRequest("fetch_site")
    if sender.origin is not None and sender.origin != own_origin:
        raise ForgedRequest("origin")


def check_form_token(token: str, seal: Seal, session_id: str) -> None:
    """Raise ForgedRequest unless the form was shown in this session."""
    if not hmac.compare_digest(token.encode(), form_token(seal, session_id).encode()):
        raise ForgedRequest("form_token")
