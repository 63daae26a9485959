"""Which fact becomes which status; what is refused before any handler."""

from typing import Any, Final

import grpc
from grpc import StatusCode

from services.kit.rpc import RpcRefused, caller_of, map_errors
from services.notifications.domain import errors
from services.notifications.domain.ledger import Channel
from services.notifications.domain.prompt import Language

TABLE: Final[dict[type[Exception], tuple[grpc.StatusCode, str]]] = {
    errors.PromptUnknown: (StatusCode.NOT_FOUND, "prompt_unknown"),
    errors.PromptWithdrawn: (StatusCode.FAILED_PRECONDITION, "prompt_withdrawn"),
    errors.PromptNotOpened: (StatusCode.FAILED_PRECONDITION, "prompt_not_opened"),
    errors.NothingExplained: (StatusCode.NOT_FOUND, "decision_unknown"),
    errors.ContentUnavailable: (StatusCode.UNAVAILABLE, "content_unavailable"),
    errors.CursorInvalid: (StatusCode.INVALID_ARGUMENT, "cursor_invalid"),
    errors.PageTokenInvalid: (StatusCode.INVALID_ARGUMENT, "page_token_invalid"),
    errors.PermissionsUnavailable: (StatusCode.UNAVAILABLE, "permissions_unavailable"),
    errors.StoreUnavailable: (StatusCode.UNAVAILABLE, "store_unavailable"),
    errors.LeaseLost: (StatusCode.UNAVAILABLE, "lease_lost"),
    errors.TooManyStreams: (StatusCode.RESOURCE_EXHAUSTED, "too_many_streams"),
    errors.FenceIncomplete: (StatusCode.UNAVAILABLE, "fence_incomplete"),
}


def refusals() -> map_errors:
    """Errors of this service become statuses within the block."""
    return map_errors(TABLE)


def subject_of(context: Any) -> str:
    """The person who calls: whose token it is, never a field of the request."""
    subject = caller_of(context).subject
    if subject is None:
        raise RpcRefused(StatusCode.PERMISSION_DENIED, "caller_not_allowed")
    return subject


def channel_of(text: str) -> Channel:
    """The channel a request names."""
    try:
        return Channel(text)
    except ValueError:
        raise invalid("channel", "channel_unknown" if text else "field_required") from None


def language_of(text: str, context: Any) -> Language:
    """The language a request names; where it names none, the one the caller reads."""
    try:
        return Language(text or caller_of(context).language or Language.EN)
    except ValueError:
        raise invalid("language", "language_unknown") from None


def invalid(field: str, code: str) -> RpcRefused:
    """A field is refused; its value is not repeated."""
    return RpcRefused(StatusCode.INVALID_ARGUMENT, code, fields=[(field, code)])
