"""A token that waits together with its event: where it may stand, and which event it is for."""

from typing import Any

from services.events.domain.admission import Assertion
from services.events.domain.errors import NotAuthenticated, ScopeDenied


def check_place(assertion: Assertion, publisher: str) -> None:
    """Raise ScopeDenied for a token that stands in a place of another publisher's."""
    if assertion.publisher != publisher:
        raise ScopeDenied


def check_event(assertion: Assertion, told: Any) -> None:
    """Raise NotAuthenticated for a token of another event.

    What has no id, or one that is no text, is an event of no type: it is refused for that.
    """
    named = told.get("id") if isinstance(told, dict) else None
    if isinstance(named, str) and named != assertion.jti:
        raise NotAuthenticated("token_binding")
