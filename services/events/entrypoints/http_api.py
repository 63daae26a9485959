"""The HTTP application of the door: its limits, its errors, its routes and its own description."""

from collections.abc import Callable, Iterable

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from services.events.domain import texts
from services.events.entrypoints import cloudevents_http, documents, http_publishing, openapi
from services.events.entrypoints.publishing import Publishing
from services.events.ports import Register
from services.kit import problem, web
from services.kit.problem import ProblemError

TYPES = "/v1/event-types"
TYPE = "/v1/event-types/{type}"


def create_app(
    publishing: Publishing,
    register: Register,
    is_ready: Callable[[], bool],
    hosts: Iterable[str],
    *,
    read_timeout_seconds: float = web.READ_TIMEOUT_SECONDS,
) -> FastAPI:
    """The application, with its limits, its errors and its own description.

    `hosts` are the names and addresses that it answers for; a body has so long to come.
    """
    app = FastAPI(
        telemetry=web.TELEMETRY,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problem.install(app)
    app.add_middleware(
        web.BodyLimit,
        max_bytes=lambda scope: cloudevents_http.most_bytes(scope["headers"]),
        read_timeout_seconds=read_timeout_seconds,
        words=texts.REQUEST,
    )
    app.add_middleware(web.KnownHosts, hosts=hosts)
    app.add_middleware(web.SecurityHeaders)
    app.router.routes.extend(web.health_routes(is_ready))
    http_publishing.add_routes(app, publishing)
    _reading_types(app, register)
    app.openapi = lambda: openapi.describe(app, register)  # type: ignore[method-assign]
    return app


def _reading_types(app: FastAPI, register: Register) -> None:
    @app.get(
        TYPES,
        response_model=documents.EventTypesDocument,
        summary="List the types of life events",
        tags=["Event types"],
    )
    async def event_types() -> documents.EventTypesDocument:
        """Open to everybody."""
        listed = [documents.summary(each) for each in register.event_types()]
        return documents.EventTypesDocument(event_types=listed)

    @app.get(
        TYPE,
        response_model=documents.EventTypeDocument,
        responses=openapi.responses(openapi.READ_TYPE),
        summary="Read all of one type",
        tags=["Event types"],
    )
    async def event_type(type: str) -> Response:  # noqa: A002  # the word in the address
        """JSON Schema of the whole event, examples, lawful basis and coverage."""
        found = register.event_type(type)
        if found is None:
            detail = texts.REQUEST["event_type_unknown"]
            raise ProblemError(404, "not_found", "No such event type", detail)
        examples = [dict(each) for each in register.examples(found)]
        document = documents.whole(found, register.schema(found), examples)
        return JSONResponse(document.model_dump(by_alias=True))
