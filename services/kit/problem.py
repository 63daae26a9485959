"""HTTP errors as problem documents (RFC 9457), with codes and without values."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from starlette.exceptions import HTTPException

from services.kit.schema_check import pointer
from services.kit.telemetry import log

MEDIA_TYPE: Final = "application/problem+json"

_CODES: Final = {404: "not_found", 405: "method_not_allowed", 415: "media_type"}
_PYDANTIC_CODES: Final = {"missing": "field_required", "extra_forbidden": "field_unknown"}


class ProblemError(Exception):
    """A request is refused; `errors` are mappings of pointer, code and detail."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str = "",
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail or code.replace("_", " ")
        self.errors = [dict(each) for each in errors]
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """The body."""
        return {
            "type": f"urn:joinedup:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "errors": self.errors,
            "trace_id": current_trace_id(),
        }

    def response(self) -> Response:
        """The whole answer."""
        return Response(
            json.dumps(self.document(), ensure_ascii=False),
            status_code=self.status,
            headers=self.headers,
            media_type=MEDIA_TYPE,
        )


def busy() -> ProblemError:
    """There is no room at this moment, whoever asks; the same may be sent again soon."""
    detail = "Too much is being received at this moment. Send the same again."
    return ProblemError(503, "busy", detail=detail, headers={"retry-after": "1"})


async def refuse(problem: ProblemError, scope: Any, receive: Any, send: Any) -> None:
    """Answer an ASGI request before its body was read to the end."""
    # The connection cannot be used again: where the next request begins is not known.
    problem.headers["connection"] = "close"
    await problem.response()(scope, receive, send)


def current_trace_id() -> str:
    """The current trace's id; empty outside a trace."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def install(app: FastAPI) -> None:
    """Answer every error of an application as a problem document."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def from_validation(errors: Sequence[Mapping[str, Any]]) -> ProblemError:
    """Errors of pydantic as a 422; their messages may quote what was sent, so codes alone stay."""
    problems = []
    for error in errors:
        path = tuple(part for part in error["loc"] if part not in {"body", "query", "path"})
        code = _PYDANTIC_CODES.get(error["type"], str(error["type"]))
        problems.append({"pointer": pointer(path), "code": code, "detail": code.replace("_", " ")})
    return ProblemError(422, "request_invalid", errors=problems)


async def _problem(_request: Request, raised: Any) -> Response:
    answer: Response = raised.response()
    return answer


async def _validation(_request: Request, raised: Any) -> Response:
    return from_validation(raised.errors()).response()


async def _http(_request: Request, raised: Any) -> Response:
    code = _CODES.get(raised.status_code, f"http_{raised.status_code}")
    return ProblemError(raised.status_code, code, headers=raised.headers).response()


async def _unexpected(_request: Request, raised: Exception) -> Response:
    log(__name__).error("request failed", exc_info=raised)
    return ProblemError(500, "internal", detail="something went wrong on our side").response()
