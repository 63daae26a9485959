"""The portal's web application: its routes, its limits and its headers."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig

from services.kit.web import (
    TELEMETRY,
    App,
    BodyLimit,
    Message,
    Receive,
    Scope,
    SecurityHeaders,
    Send,
    health_routes,
)
from services.portal.entrypoints import (
    choice_pages,
    error_pages,
    prompt_pages,
    sign_in_pages,
)
from services.portal.entrypoints.assets import Assets
from services.portal.entrypoints.visit import Desk, desk_of, keep_language

MOST_FORM_BYTES: Final = 16 * 1024
HEALTH: Final = "/health/"

# Everything a page loads is ours; nothing inline, nothing framed, nothing sent elsewhere.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not no-referrer: with it browsers hide their origin from our own forms' check.
    "referrer-policy": "same-origin",
}
TRANSPORT: Final = {"strict-transport-security": "max-age=31536000; includeSubDomains"}


# Neither probes nor styles are part of anybody's journey.
QUIET: Final[TelemetryConfig] = {
    **TELEMETRY,
    "metrics": True,
    "exclude": lambda scope: str(scope.get("path", "")).startswith((HEALTH, "/assets/")),
}


def create_app(
    desk: Desk,
    assets: Assets,
    *,
    is_ready: Callable[[], bool],
) -> App:
    """The application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, telemetry=QUIET)
    app.state.desk = desk
    app.router.routes.extend(health_routes(is_ready))
    for router in (
        assets.router(),
        sign_in_pages.router,
        prompt_pages.router,
        choice_pages.router,
    ):
        app.include_router(router)
    error_pages.install(app)
    app.add_middleware(Doorway)
    headers = {**HEADERS, **TRANSPORT} if desk.encrypted else HEADERS
    # Around everything, so that an error page has the headers too.
    return SecurityHeaders(BodyLimit(app, MOST_FORM_BYTES), headers)


class Doorway:
    """Answers for our own host alone, and remembers a language that was asked for."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        ours = request.headers.get("host") == urlsplit(desk_of(request).origin).netloc
        if not ours and not request.url.path.startswith(HEALTH):
            await error_pages.misdirected(request)(scope, receive, send)
            return

        async def send_with_language(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_language_cookie(request)]
            await send(message)

        await self._app(scope, receive, send_with_language)


def _language_cookie(request: Request) -> list[tuple[bytes, bytes]]:
    box = Response()
    keep_language(request, box)
    return [header for header in box.raw_headers if header[0] == b"set-cookie"]
