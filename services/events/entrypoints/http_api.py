"""HTTP for departments: each route translates, calls a handler, and translates back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from opentelemetry import trace

from services.events import handlers, metrics
from services.events.domain import texts
from services.events.domain.admission import Assertion
from services.events.domain.errors import EventsError, Unavailable
from services.events.entrypoints import documents, openapi
from services.events.entrypoints.problems import audit, problem_of
from services.kit import problem, web
from services.kit.problem import ProblemError
from services.kit.telemetry import current_traceparent

MAX_BODY_BYTES: Final = 64 * 1024
PUBLISH: Final = "/v1/events"
FOLLOW: Final = "/v1/events/{event_id}"
TYPES: Final = "/v1/event-types"
TYPE: Final = "/v1/event-types/{type}"
_MEDIA_TYPES: Final = frozenset({openapi.STRUCTURED, f"{openapi.STRUCTURED};charset=utf-8"})


@dataclass(frozen=True)
class Surroundings:
    """What the routes are given; `believe` reads an Authorization header."""

    door: handlers.Door
    believe: Callable[[str | None], Assertion]
    monotonic: Callable[[], float]
    is_ready: Callable[[], bool]


def create_app(around: Surroundings) -> FastAPI:
    """The application, with its limits, its errors and its own description."""
    app = FastAPI(
        telemetry=web.TELEMETRY,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problem.install(app)
    app.add_exception_handler(EventsError, _refuse)
    app.add_middleware(web.BodyLimit, max_bytes=MAX_BODY_BYTES)
    app.add_middleware(web.SecurityHeaders)
    app.router.routes.extend(web.health_routes(around.is_ready))
    _publishing(app, around)
    _reading_types(app, around)
    app.openapi = lambda: openapi.describe(app, around.door.register)  # type: ignore[method-assign]
    return app


def _publishing(app: FastAPI, around: Surroundings) -> None:
    @app.post(
        PUBLISH,
        status_code=202,
        response_model=documents.ReceiptDocument,
        responses=openapi.responses(openapi.PUBLISH),
        summary="Publish a life event",
        openapi_extra=openapi.SECURED,
        tags=["Publishing"],
    )
    async def publish(request: Request) -> Response:
        """Answers once every record of the event is on the log."""
        _check_media_type(request)
        assertion = _caller(request, around)
        started = around.monotonic()
        try:
            receipt = await handlers.admit_life_event(
                around.door, assertion, await request.body(), current_traceparent()
            )
        except EventsError as error:
            outcome = "unavailable" if isinstance(error, Unavailable) else "refused"
            metrics.admission(outcome, error.reason, around.monotonic() - started)
            raise
        outcome = "duplicate" if receipt.duplicate else "admitted"
        metrics.admission(outcome, "", around.monotonic() - started)
        _describe_span(receipt.event_id, duplicate=receipt.duplicate)
        answer = documents.ReceiptDocument(
            event_id=receipt.event_id,
            status=f"{PUBLISH}/{receipt.event_id}",
            duplicate=receipt.duplicate,
        )
        return JSONResponse(answer.model_dump(), status_code=202)

    @app.get(
        FOLLOW,
        response_model=documents.ProgressDocument,
        responses=openapi.responses(openapi.FOLLOW),
        summary="Follow one of your own events",
        openapi_extra=openapi.SECURED,
        tags=["Publishing"],
    )
    async def follow(event_id: str, request: Request) -> Response:
        """Tells how far an event has come; somebody else's is as unknown as none."""
        assertion = _caller(request, around)
        progress = await handlers.follow_event(around.door.admissions, assertion, event_id)
        return JSONResponse(documents.progress_document(progress).model_dump(mode="json"))


def _reading_types(app: FastAPI, around: Surroundings) -> None:
    register = around.door.register

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


def _caller(request: Request, around: Surroundings) -> Assertion:
    assertion = around.believe(request.headers.get("authorization"))
    request.state.publisher = assertion.publisher
    return assertion


def _check_media_type(request: Request) -> None:
    headers = request.headers
    sent = headers.get("content-type", "").lower().replace(" ", "").replace('"', "")
    if sent not in _MEDIA_TYPES:
        raise _unsupported("media_type")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise _unsupported("encoding_unsupported")


def _unsupported(code: str) -> ProblemError:
    accepted = {"accept-post": openapi.STRUCTURED, "accept-encoding": "identity"}
    return ProblemError(
        415, code, "The body is not of an accepted kind", texts.REQUEST[code], headers=accepted
    )


def _describe_span(event_id: str, *, duplicate: bool) -> None:
    span = trace.get_current_span()
    span.set_attribute("joinedup.event_id", event_id)
    span.set_attribute("joinedup.duplicate", duplicate)


async def _refuse(request: Request, raised: Any) -> Response:
    error: EventsError = raised
    trace.get_current_span().set_attribute("joinedup.reason", error.reason)
    route = getattr(request.scope.get("route"), "path", "")
    audit(error.reason, publisher=getattr(request.state, "publisher", ""), route=route)
    return problem_of(error).response()
