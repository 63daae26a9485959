"""What a person sees when a page cannot be shown: a proper status, plain words, no trace of why."""

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from services.kit.problem import current_trace_id
from services.kit.telemetry import log
from services.portal import metrics
from services.portal.domain.errors import (
    ForgedRequest,
    PageUnknown,
    PersonUnknown,
    PromptUnavailable,
    SignInDeclined,
    SignInNeeded,
    SignInRefused,
    Unavailable,
)
from services.portal.domain.navigation import HOME
from services.portal.entrypoints.visit import SESSION_COOKIE, desk_of, language_of

RETRY_AFTER_SECONDS: Final = 10

_REFUSED_TEXTS: Final = {
    "login_code_used": "sign_in_refused.twice",
    "login_subject": "sign_in_refused.other_person",
}
# After these, whoever was signed in here is signed in no more.
_ENDING: Final = frozenset({"login_code_used", "login_subject"})


def install(app: FastAPI) -> None:
    """Answer every error with a page."""
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(SignInRefused, _sign_in_refused)
    app.add_exception_handler(SignInDeclined, _sign_in_declined)
    app.add_exception_handler(PersonUnknown, _person_unknown)
    app.add_exception_handler(ForgedRequest, _forged)
    app.add_exception_handler(PageUnknown, _page_unknown)
    app.add_exception_handler(PromptUnavailable, _prompt_unavailable)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _failed)


def misdirected(request: Request) -> Response:
    """The answer to a request that was meant for another host."""
    return _plain(request, "not_found", 421)


def _plain(request: Request, subject: str, status: int, **values: Any) -> Response:
    return desk_of(request).pages.plain(
        request, language=language_of(request), subject=subject, status=status, **values
    )


async def _sign_in_needed(request: Request, _raised: Exception) -> Response:
    if request.method != "GET":
        # What was pressed cannot be done later behind the person's back: say so.
        return _plain(request, "sign_in_needed", 403, sign_in_address=_sign_in(HOME))
    path = request.url.path
    query = request.url.query
    return RedirectResponse(_sign_in(f"{path}?{query}" if query else path), 303)


async def _sign_in_refused(request: Request, raised: Any) -> Response:
    log(__name__).warning("sign-in refused", extra={"code": raised.code})
    metrics.sign_in_ended(raised.code)
    text = _REFUSED_TEXTS.get(raised.code, "sign_in_refused.text")
    response = _plain(
        request, "sign_in_refused", 400, texts=(text,), sign_in_address=_sign_in(HOME)
    )
    if raised.code in _ENDING:
        desk_of(request).drop_cookie(response, SESSION_COOKIE)
    return response


async def _sign_in_declined(request: Request, _raised: Exception) -> Response:
    metrics.sign_in_ended("declined")
    return _plain(request, "sign_in_declined", 200, sign_in_address=_sign_in(HOME))


async def _person_unknown(request: Request, _raised: Exception) -> Response:
    metrics.sign_in_ended("person_unknown")
    return _plain(request, "person_unknown", 403)


async def _forged(request: Request, raised: Any) -> Response:
    log(__name__).warning("form refused", extra={"code": raised.code})
    return _plain(request, "forged", 403, here="lost")


async def _prompt_unavailable(request: Request, _raised: Exception) -> Response:
    return _plain(request, "prompt_gone", 404, here="lost")


async def _page_unknown(request: Request, _raised: Exception) -> Response:
    return _plain(request, "not_found", 404, here="lost")


async def _unavailable(request: Request, raised: Any) -> Response:
    log(__name__).error("page unavailable", extra={"target": raised.part})
    metrics.page_failed(raised.part)
    response = _plain(request, "unavailable", 503)
    response.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    return response


async def _bad_request(request: Request, _raised: Exception) -> Response:
    return _plain(request, "bad_request", 400, here="lost")


async def _http(request: Request, raised: Any) -> Response:
    lost = raised.status_code in {404, 405}
    status = raised.status_code
    response = _plain(request, "not_found" if lost else "bad_request", status, here="lost")
    response.headers.update(raised.headers or {})
    return response


async def _failed(request: Request, raised: Exception) -> Response:
    log(__name__).error("page failed", exc_info=raised)
    metrics.page_failed("internal")
    return _plain(request, "failed", 500, reference=current_trace_id())


def _sign_in(next_path: str) -> str:
    return f"/sign-in?{urlencode({'next': next_path})}"
