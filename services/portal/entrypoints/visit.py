"""Who opens a page: their language, their session, and what their browser says of itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from starlette.datastructures import FormData

from services.portal import metrics
from services.portal.domain.errors import ForgedRequest, SignInNeeded
from services.portal.domain.forgery import (
    Sender,
    check_form_token,
    check_sender,
    form_token,
)
from services.portal.domain.language import LANGUAGES, chosen_language
from services.portal.domain.seal import Seal
from services.portal.domain.session import Session
from services.portal.domain.sign_in import ATTEMPT_LIMIT
from services.portal.entrypoints.pages import Pages
from services.portal.handlers.sign_in import current_session, token_of
from services.portal.ports import Clock, People, Prompts, Sessions, SignInProvider

LANGUAGE_COOKIE: Final = "language"
LANGUAGE_SECONDS: Final = 365 * 24 * 3600
MOST_FIELDS: Final = 16


@dataclass(frozen=True)
class Desk:
    """What every page has at hand."""

    pages: Pages
    provider: SignInProvider
    people: People
    prompts: Prompts
    sessions: Sessions
    seal: Seal
    clock: Clock
    new_id: Callable[[], str]
    origin: str

    @property
    def encrypted(self) -> bool:
        """Whether browsers reach us by https."""
        return urlsplit(self.origin).scheme == "https"

    def cookie(self, name: str) -> str:
        """A cookie's full name: bound to this very host wherever the browser can be made to."""
        return f"__Host-{name}" if self.encrypted else name

    def set_cookie(self, response: Response, name: str, value: str, seconds: int | None) -> None:
        """Set a cookie no script can read; without seconds it ends with the browser."""
        response.set_cookie(
            self.cookie(name),
            value,
            max_age=seconds,
            path="/",
            secure=self.encrypted,
            httponly=True,
            samesite="lax",
        )

    def drop_cookie(self, response: Response, name: str) -> None:
        """Have the browser forget a cookie."""
        response.delete_cookie(
            self.cookie(name), path="/", secure=self.encrypted, httponly=True, samesite="lax"
        )


@dataclass(frozen=True)
class Visit:
    """One request's person; `session` is None for somebody who is not signed in."""

    language: str
    now: datetime
    session_id: str | None
    session: Session | None


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in, with a token to call with."""

    language: str
    now: datetime
    session_id: str
    session: Session
    token: str


SESSION_COOKIE: Final = "session"
MARK_COOKIE: Final = "sign-in"
MARK_SECONDS: Final = int(ATTEMPT_LIMIT.total_seconds())


def desk_of(request: Request) -> Desk:
    """What every page has at hand."""
    desk: Desk = request.app.state.desk
    return desk


def language_of(request: Request) -> str:
    """The language of this page."""
    kept = request.cookies.get(desk_of(request).cookie(LANGUAGE_COOKIE))
    return chosen_language(request.query_params.get("lang"), kept)


def keep_language(request: Request, response: Response) -> None:
    """Remember a language that was asked for by `?lang=`."""
    asked = request.query_params.get("lang")
    if asked in LANGUAGES:
        desk_of(request).set_cookie(response, LANGUAGE_COOKIE, asked, LANGUAGE_SECONDS)


async def visit_of(request: Request) -> Visit:
    """Who opens this page."""
    desk = desk_of(request)
    now = desk.clock.now()
    session_id = request.cookies.get(desk.cookie(SESSION_COOKIE))
    session = await current_session(desk.sessions, session_id, now)
    return Visit(language_of(request), now, session_id, session)


async def person_of(visit: Annotated[Visit, Depends(visit_of)]) -> Person:
    """Who is signed in; raises SignInNeeded."""
    if visit.session is None or visit.session_id is None:
        raise SignInNeeded
    token = token_of(visit.session, visit.now)
    return Person(visit.language, visit.now, visit.session_id, visit.session, token)


async def form_of(request: Request) -> FormData:
    """A form that this person sent from a page of ours; raises ForgedRequest or SignInNeeded."""
    desk = desk_of(request)
    sender = Sender(request.headers.get("origin"), request.headers.get("sec-fetch-site"))
    session_id = request.cookies.get(desk.cookie(SESSION_COOKIE))
    try:
        check_sender(sender, desk.origin)
        if session_id is None:
            raise SignInNeeded
        form = await request.form(max_files=0, max_fields=MOST_FIELDS)
        check_form_token(field(form, "form_token"), desk.seal, session_id)
    except ForgedRequest as forged:
        metrics.form_refused(forged.code)
        raise
    return form


def field(form: FormData, name: str) -> str:
    """A field's text; empty if it was not sent."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def form_token_of(desk: Desk, session_id: str) -> str:
    """The token that forms of this session carry."""
    return form_token(desk.seal, session_id)


DeskHere = Annotated[Desk, Depends(desk_of)]
VisitHere = Annotated[Visit, Depends(visit_of)]
PersonHere = Annotated[Person, Depends(person_of)]
FormHere = Annotated[FormData, Depends(form_of)]
