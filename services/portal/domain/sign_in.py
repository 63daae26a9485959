"""One attempt to sign in, and what the provider's answer must match."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from services.portal.domain.errors import SignInDeclined, SignInRefused, Unavailable
from services.portal.domain.navigation import local_path

ATTEMPT_LIMIT: Final = timedelta(minutes=10)

_DECLINED: Final = frozenset({"access_denied", "login_required", "interaction_required"})
_AWAY: Final = frozenset({"server_error", "temporarily_unavailable"})


@dataclass(frozen=True)
class Attempt:
    """What the browser that began to sign in must bring back, and where it wanted to go."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    next_path: str


@dataclass(frozen=True)
class Answer:
    """What came back from the provider by way of the browser."""

    state: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    error: str | None = None
    issuer: str | None = None


@dataclass(frozen=True)
class IdToken:
    """The provider's word for who somebody is; `account` is a keyed digest of their name there."""

    raw: str = field(repr=False)
    account: str


@dataclass(frozen=True)
class PersonToken:
    """The platform's own word, good until `expires_at`; `language` is the person's."""

    raw: str = field(repr=False)
    expires_at: datetime
    language: str


def new_attempt(next_path: str | None, new_id: Callable[[], str]) -> Attempt:
    """A fresh attempt; the verifier is two ids long because 43 characters are the least allowed."""
    return Attempt(
        state=new_id(),
        nonce=new_id(),
        verifier=new_id() + new_id(),
        next_path=local_path(next_path),
    )


def check_issuer(answer: Answer, issuer: str, *, always_named: bool) -> None:
    """Raise SignInRefused if another provider answered, or ours did not say that it was it."""
    if answer.issuer is None and not always_named:
        return
    if answer.issuer != issuer:
        raise SignInRefused("login_issuer")


def code_of(answer: Answer) -> str:
    """The code to redeem; raises SignInDeclined, Unavailable or SignInRefused."""
    if answer.error in _DECLINED:
        raise SignInDeclined
    if answer.error in _AWAY:
        raise Unavailable("sign_in")
    if answer.error is not None:
        raise SignInRefused("login_error")
    if not answer.code:
        raise SignInRefused("login_state")
    return answer.code
