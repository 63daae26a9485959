"""Publishing and following over HTTP: each route translates, calls a handler, translates back."""

import math
from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from opentelemetry import trace

from services.events.domain.admission import Assertion, Receipt, Submission
from services.events.domain.errors import EventsError, Refused
from services.events.entrypoints import cloudevents_http, documents, openapi
from services.events.entrypoints.cloudevents_http import Mode
from services.events.entrypoints.problems import audit, problem_of
from services.events.entrypoints.publishing import Publishing
from services.events.handlers.admit_life_events import Answer
from services.events.handlers.follow_event import follow_event, use_up
from services.kit.telemetry import current_traceparent
from services.kit.web import Receive, Scope, Send

PUBLISH: Final = "/v1/events"
FOLLOW: Final = "/v1/events/{event_id}"


class _Straight(APIRoute):
    """A route that is described like any other; its endpoint takes the request and answers it.

    FastAPI would prepare what such an endpoint does not ask for (dependencies, stacks of contexts),
    which is a tenth of what a single event costs this service.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **named: Any) -> None:
        super().__init__(path, endpoint, **named)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.endpoint(Request(scope, receive))
        await response(scope, receive, send)


def add_routes(app: FastAPI, around: Publishing) -> None:
    """The routes of publishing, and how their refusals are answered."""
    app.add_exception_handler(EventsError, _refuse)

    async def publish(request: Request) -> Response:
        """Answers once every record of each event is on the log, or says why it is not."""
        mode = cloudevents_http.mode_of(request.headers)
        assertion = _caller(request, around)
        body = await request.body()
        if mode is Mode.BATCH:
            return await _batch(around, assertion, body)
        around.rates.take(assertion.publisher, 1)
        told: Any = body
        if mode is Mode.BINARY:
            told = cloudevents_http.binary_event(request.headers, body)
        receipt = await around.admit_one(_submission(assertion, told, assertion))
        return JSONResponse(_receipt(receipt), status_code=202)

    app.router.add_api_route(
        PUBLISH,
        publish,
        methods=["POST"],
        route_class_override=_Straight,
        status_code=202,
        response_model=documents.ReceiptDocument,
        responses={
            207: {"model": documents.BatchDocument, "description": openapi.BATCH_ANSWER},
            **openapi.responses(openapi.PUBLISH),
        },
        summary="Publish life events",
        openapi_extra=openapi.SECURED,
        tags=["Publishing"],
    )

    @app.get(
        FOLLOW,
        response_model=documents.ProgressDocument,
        response_model_exclude_none=True,
        responses=openapi.responses(openapi.FOLLOW),
        summary="Follow one of your own events",
        openapi_extra=openapi.SECURED,
        tags=["Publishing"],
    )
    async def follow(event_id: str, request: Request) -> Response:
        """Tells how far an event has come; somebody else's is as unknown as none."""
        assertion = _caller(request, around)
        progress = await follow_event(around.admissions, assertion, event_id)
        document = documents.progress_document(progress)
        return JSONResponse(document.model_dump(mode="json", exclude_none=True))


async def _batch(around: Publishing, assertion: Assertion, body: bytes) -> Response:
    await use_up(around.admissions, assertion)
    items = cloudevents_http.items(body)
    around.rates.take(assertion.publisher, len(items))
    answers = await around.admit_all([_submission(assertion, item) for item in items])
    results = [_result(index, answer) for index, answer in enumerate(answers)]
    for reason in {answer.reason for answer in answers if isinstance(answer, EventsError)}:
        audit(reason, publisher=assertion.publisher, route=PUBLISH)
    accepted = sum(isinstance(answer, Receipt) for answer in answers)
    refused = len(answers) - accepted
    document = {"accepted": accepted, "refused": refused, "results": results}
    return JSONResponse(document, status_code=207)


def _submission(
    assertion: Assertion, told: bytes | dict[str, Any] | Refused, spend: Assertion | None = None
) -> Submission:
    return Submission(
        *(assertion.publisher, told, current_traceparent(), spend),
        *(assertion.scope, assertion.bases),
    )


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "event_id": receipt.event_id,
        "status": f"{PUBLISH}/{receipt.event_id}",
        "duplicate": receipt.duplicate,
    }


def _result(index: int, answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Receipt):
        return {"index": index, "http_status": 202, "receipt": _receipt(answer)}
    problem = problem_of(answer)
    wait = problem.headers.get("retry-after")
    return {
        "index": index,
        "http_status": problem.status,
        "problem": problem.document(),
        "retry_after_seconds": None if wait is None else math.ceil(float(wait)),
    }


def _caller(request: Request, around: Publishing) -> Assertion:
    assertion = around.believe(request.headers.get("authorization"))
    request.state.publisher = assertion.publisher
    return assertion


async def _refuse(request: Request, raised: Any) -> Response:
    error: EventsError = raised
    trace.get_current_span().set_attribute("joinedup.reason", error.reason)
    route = getattr(request.scope.get("route"), "path", "")
    audit(error.reason, publisher=getattr(request.state, "publisher", ""), route=route)
    return problem_of(error).response()
