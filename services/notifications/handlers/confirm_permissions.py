"""Identity is asked before a person's gate rows are believed."""

from collections.abc import Iterable
from typing import Final

from services.notifications.domain.lease import Confirmed, ServingLease
from services.notifications.ports import Gate, Permissions

_ASK_MOST: Final = 500


async def confirm_permissions(
    subjects: Iterable[str],
    *,
    confirmed: Confirmed,
    lease: ServingLease,
    permissions: Permissions,
    gate: Gate,
) -> int:
    """Read through those whom this process has not read in this term of its lease.

    Answers the term: what follows may happen in it alone. Raises LeaseLost,
    PermissionsUnavailable and StoreUnavailable: nothing may be sent then.
    """
    lease.require()
    term = lease.term
    missing = confirmed.missing(subjects)
    for start in range(0, len(missing), _ASK_MOST):
        asked = missing[start : start + _ASK_MOST]
        await read_through(asked, permissions=permissions, gate=gate)
        confirmed.add(asked, term)
    lease.require(term)
    return term


async def read_through(subjects: list[str], *, permissions: Permissions, gate: Gate) -> None:
    """Take identity's word on these people into the gate's rows."""
    await gate.take(await permissions.read(subjects))
