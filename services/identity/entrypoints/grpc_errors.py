"""One table: what identity refuses, and the status and code a caller sees."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from grpc import StatusCode

from services.identity.domain import errors
from services.kit.rpc import RpcRefused, map_errors

TABLE: Final = {
    errors.EventTypeUnknown: (StatusCode.INVALID_ARGUMENT, "event_type_unknown"),
    errors.FenceAlone: (StatusCode.INVALID_ARGUMENT, "fence_alone"),
    errors.PersonUnknown: (StatusCode.NOT_FOUND, "person_unknown"),
    errors.SignInConflict: (StatusCode.ALREADY_EXISTS, "sign_in_conflict"),
    errors.OfferUnknown: (StatusCode.INVALID_ARGUMENT, "offer_unknown"),
    errors.AgreementChanged: (StatusCode.FAILED_PRECONDITION, "agreement_changed"),
    errors.SerialStale: (StatusCode.ABORTED, "serial_stale"),
    errors.PageTokenInvalid: (StatusCode.INVALID_ARGUMENT, "page_token_invalid"),
    errors.LeaseExpired: (StatusCode.FAILED_PRECONDITION, "lease_expired"),
    errors.FenceOutstanding: (StatusCode.UNAVAILABLE, "fence_outstanding"),
    errors.ProviderUnavailable: (StatusCode.UNAVAILABLE, "provider_unavailable"),
    errors.StoreUnavailable: (StatusCode.UNAVAILABLE, "store_unavailable"),
}


@contextmanager
def refusals() -> Iterator[None]:
    """Turn identity's errors into refused calls; a wrong field is named, its value never."""
    try:
        with map_errors(TABLE):
            yield
    except errors.FieldInvalid as wrong:
        fields = [(wrong.path, wrong.code)]
        raise RpcRefused(StatusCode.INVALID_ARGUMENT, wrong.code, fields=fields) from None
    except errors.SignInRefused as refused:
        raise RpcRefused(StatusCode.UNAUTHENTICATED, refused.code) from None


def refusal(error: errors.IdentityError) -> tuple[str, bool]:
    """The code of an event's refusal among others, and whether the same event may come again.

    A type that is not known here may be known the next moment: a new one reaches every service's
    catalogue, but not at once.
    """
    if isinstance(error, errors.FieldInvalid):
        return error.code, False
    status, code = TABLE[type(error)]
    return code, status is StatusCode.UNAVAILABLE or isinstance(error, errors.EventTypeUnknown)
