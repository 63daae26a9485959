"""What a refused or failed call means to a person."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import grpc

from services.portal.domain.errors import PortalError, SignInNeeded, Unavailable

Table = Mapping[grpc.StatusCode, Callable[[], PortalError]]

_AWAY: Final = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
    }
)


@contextmanager
def asking(part: str, table: Table | None = None) -> Iterator[None]:
    """Translate a call's error: by the table, else away or signed out, else as it is."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        status = error.code()
        if table is not None and status in table:
            refused = table[status]()
            raise refused from None
        if status in _AWAY:
            raise Unavailable(part) from None
        if status is grpc.StatusCode.UNAUTHENTICATED:
            raise SignInNeeded from None
        raise


def bearing(token: str) -> tuple[tuple[str, str]]:
    """The metadata of a call on a person's behalf."""
    return (("authorization", f"Bearer {token}"),)
