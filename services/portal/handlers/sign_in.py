"""Signing in and out, and staying signed in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.portal.domain.errors import SignInNeeded, SignInRefused
from services.portal.domain.session import Session, start_of
from services.portal.domain.sign_in import (
    Answer,
    Attempt,
    IdToken,
    PersonToken,
    check_issuer,
    code_of,
    new_attempt,
)
from services.portal.ports import People, Sessions, SignInProvider


@dataclass(frozen=True)
class Browser:
    """What a browser holds: the mark of its attempts to sign in, and the id of its session."""

    mark: str | None
    session_id: str | None


@dataclass(frozen=True)
class SignedIn:
    """A new session, and where its person wanted to go."""

    session_id: str
    next_path: str
    language: str


async def begin_sign_in(
    provider: SignInProvider,
    sessions: Sessions,
    *,
    mark: str,
    next_path: str | None,
    new_id: Callable[[], str],
) -> str:
    """The provider's address that this browser, and no other, may come back from."""
    attempt = new_attempt(next_path, new_id)
    address = await provider.address(attempt)
    await sessions.keep_attempt(mark, attempt)
    return address


async def complete_sign_in(
    provider: SignInProvider,
    people: People,
    sessions: Sessions,
    *,
    browser: Browser,
    answer: Answer,
    now: datetime,
    new_id: Callable[[], str],
) -> SignedIn:
    """Turn the provider's answer into a session; raises what stopped it, and then there is none."""
    mark, attempt = await _taken(sessions, browser, answer)
    check_issuer(answer, provider.issuer, always_named=await provider.names_itself())
    code = code_of(answer)
    try:
        id_token = await provider.redeem(code, attempt)
    except SignInRefused as refused:
        if refused.code == "login_code_used":
            await sign_out(sessions, browser.session_id)
        raise
    current = await _same_person(sessions, browser, id_token, now)
    person = await people.exchange(id_token.raw, attempt.nonce)
    session = _session(id_token, person, start_of(current, now), now)
    session_id = new_id()
    await sessions.keep(session_id, session, session.lives_for(now))
    if not await sessions.bind(mark, attempt.state, session_id):
        await sessions.end(session_id)
        raise SignInRefused("login_code_used")
    await sign_out(sessions, browser.session_id)
    return SignedIn(session_id, attempt.next_path, person.language)


async def current_session(
    sessions: Sessions, session_id: str | None, now: datetime
) -> Session | None:
    """The session of a browser whose person is here now; None if there is none any more."""
    if session_id is None:
        return None
    session = await sessions.find(session_id)
    if session is None:
        return None
    if session.is_over(now):
        await sessions.end(session_id)
        return None
    session = session.seen(now)
    await sessions.change(session_id, session, session.lives_for(now))
    return session


async def sign_out(sessions: Sessions, session_id: str | None) -> None:
    """End the session, if there is one."""
    if session_id is not None:
        await sessions.end(session_id)


def token_of(session: Session | None, now: datetime) -> str:
    """The person's token; raises SignInNeeded."""
    if session is None or not session.has_token(now):
        raise SignInNeeded
    return session.person_token


async def _taken(sessions: Sessions, browser: Browser, answer: Answer) -> tuple[str, Attempt]:
    if browser.mark is None or answer.state is None:
        raise SignInRefused("login_state")
    attempt = await sessions.take_attempt(browser.mark, answer.state)
    if attempt is None:
        # Somebody has this answer twice: whoever came first must not stay signed in by it.
        taken = await sessions.end_session_of_taken(browser.mark, answer.state)
        raise SignInRefused("login_code_used" if taken else "login_state")
    return browser.mark, attempt


async def _same_person(
    sessions: Sessions, browser: Browser, id_token: IdToken, now: datetime
) -> Session | None:
    """The session to be renewed, if any; another person's ends, and so does this sign-in."""
    if browser.session_id is None:
        return None
    current = await sessions.find(browser.session_id)
    if current is None or current.is_over(now):
        return None
    if current.account != id_token.account:
        await sessions.end(browser.session_id)
        raise SignInRefused("login_subject")
    return current


def _session(
    id_token: IdToken, person: PersonToken, started_at: datetime, now: datetime
) -> Session:
    return Session(
        account=id_token.account,
        person_token=person.raw,
        token_expires_at=person.expires_at,
        started_at=started_at,
        seen_at=now,
    )
