"""Signing in at the provider, coming back, and signing out."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.portal import metrics
from services.portal.domain.language import LANGUAGES
from services.portal.domain.navigation import HOME
from services.portal.domain.sign_in import Answer
from services.portal.entrypoints.visit import (
    LANGUAGE_COOKIE,
    LANGUAGE_SECONDS,
    MARK_COOKIE,
    MARK_SECONDS,
    SESSION_COOKIE,
    DeskHere,
    FormHere,
    language_of,
)
from services.portal.handlers.sign_in import (
    Browser,
    begin_sign_in,
    complete_sign_in,
    sign_out,
)

CALLBACK: Final = "/sign-in/callback"
SEE_OTHER: Final = 303

router = APIRouter()


@router.get("/sign-in")
async def begin(
    request: Request, desk: DeskHere, next_path: Annotated[str | None, Query(alias="next")] = None
) -> Response:
    """Send the browser to the provider."""
    mark = request.cookies.get(desk.cookie(MARK_COOKIE)) or desk.new_id()
    address = await begin_sign_in(
        desk.provider, desk.sessions, mark=mark, next_path=next_path, new_id=desk.new_id
    )
    response = RedirectResponse(address, SEE_OTHER)
    desk.set_cookie(response, MARK_COOKIE, mark, MARK_SECONDS)
    return response


@router.get(CALLBACK)
async def complete(request: Request, desk: DeskHere) -> Response:
    """Take the browser back from the provider."""
    signed_in = await complete_sign_in(
        desk.provider,
        desk.people,
        desk.sessions,
        browser=Browser(
            mark=request.cookies.get(desk.cookie(MARK_COOKIE)),
            session_id=request.cookies.get(desk.cookie(SESSION_COOKIE)),
        ),
        answer=_answer(request),
        now=desk.clock.now(),
        new_id=desk.new_id,
    )
    metrics.sign_in_ended("signed_in")
    response = RedirectResponse(signed_in.next_path, SEE_OTHER)
    desk.set_cookie(response, SESSION_COOKIE, signed_in.session_id, None)
    if desk.cookie(LANGUAGE_COOKIE) not in request.cookies and signed_in.language in LANGUAGES:
        desk.set_cookie(response, LANGUAGE_COOKIE, signed_in.language, LANGUAGE_SECONDS)
    return response


@router.post("/sign-out")
async def leave(request: Request, desk: DeskHere, _form: FormHere) -> Response:
    """End the session."""
    await sign_out(desk.sessions, request.cookies.get(desk.cookie(SESSION_COOKIE)))
    response = RedirectResponse("/signed-out", SEE_OTHER)
    desk.drop_cookie(response, SESSION_COOKIE)
    return response


@router.get("/signed-out")
async def left(request: Request, desk: DeskHere) -> Response:
    """Say that the session has ended."""
    return desk.pages.plain(
        request,
        language=language_of(request),
        subject="signed_out",
        sign_in_address=f"/sign-in?next={HOME}",
    )


def _answer(request: Request) -> Answer:
    """The provider's answer; a parameter that comes twice (RFC 6749 forbids it) counts as none."""
    query = request.query_params
    once = {name: values[0] for name in query if len(values := query.getlist(name)) == 1}
    return Answer(once.get("state"), once.get("code"), once.get("error"), once.get("iss"))
