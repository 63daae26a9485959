"""A person's choices: what they see of them, and how they change them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.identity.domain.access_line import AccessLine, choices_checked
from services.identity.domain.agreement import Agreements, agreed
from services.identity.domain.errors import OfferUnknown, PersonUnknown, SerialStale
from services.identity.domain.permission import (
    Choice,
    Outcome,
    Permission,
    PermissionSet,
    Terms,
    expire,
    give,
)
from services.identity.domain.permission_history import Entry
from services.identity.handlers.fencing import Fencing
from services.identity.ports import Effect, Store

EXPIRED_AT_ONCE = 100

No = Callable[[PermissionSet, str, str], Outcome]
"""A transition of a person's set by which they refuse one purpose of one department."""


@dataclass(frozen=True)
class Refusal:
    """A no, committed. `took_effect_at` is None while some process has not confirmed."""

    permission: Permission
    serial: int
    took_effect_at: datetime | None
    outstanding: int
    changed: bool


async def list_permissions(store: Store, look: AccessLine) -> tuple[PermissionSet, list[Effect]]:
    """The person's whole set, and since when what ended holds; raises PersonUnknown."""
    async with store.transaction() as tx:
        found = (await tx.permissions.read([look.subject])).get(look.subject)
        if found is None:
            raise PersonUnknown
        effects = await tx.permissions.effects(look.subject)
        await tx.access.add([look])
    return found, effects


async def read_snapshot(
    store: Store, subjects: Sequence[str], *, service: str, now: datetime
) -> list[PermissionSet]:
    """Whole sets in the order asked; somebody unknown has serial 0 and no rows."""
    async with store.transaction() as tx:
        found = await tx.permissions.read(subjects)
        await tx.access.add([choices_checked(service, subject, now) for subject in sorted(found)])
    return [found.get(subject) or PermissionSet(subject) for subject in subjects]


async def read_history(store: Store, look: AccessLine) -> list[Entry]:
    """Every change of the person's permissions, oldest first."""
    async with store.transaction() as tx:
        entries = await tx.permissions.history(look.subject)
        await tx.access.add([look])
    return entries


async def give_permission(
    store: Store,
    agreements: Agreements,
    subject: str,
    terms: Terms,
    *,
    if_serial: int,
    now: datetime,
) -> tuple[Outcome, Permission]:
    """Permission stands on the agreement in force.

    Raises OfferUnknown, AgreementChanged, FieldInvalid, SerialStale (`if_serial` 0 skips that
    check) and PersonUnknown.
    """
    agreement = agreed(agreements, terms.purpose, terms.controller, terms.agreement_hash)
    basis = agreement.lawful_basis.value

    def transition(held: PermissionSet) -> Outcome:
        return give(held, terms, basis, now)

    outcome = await _change(store, subject, if_serial, now, transition)
    return outcome, outcome.after.row(terms.purpose, terms.controller)


async def refuse_permission(
    store: Store,
    agreements: Agreements,
    fencing: Fencing,
    subject: str,
    *,
    no: No,
    purpose: str,
    controller: str,
    if_serial: int,
    now: datetime,
    within_seconds: float,
) -> Refusal:
    """Say no (`withdraw` or `object_to`), then wait a while for every process to hold to it.

    Where a withdrawal finds nothing given nothing changes, and the no that stood all along is the
    answer. What is no longer offered can still be refused by whoever was asked once. Raises
    OfferUnknown, SerialStale and PersonUnknown.
    """

    def transition(held: PermissionSet) -> Outcome:
        unsaid = held.row(purpose, controller).choice is Choice.UNSAID
        if unsaid and (purpose, controller) not in agreements:
            raise OfferUnknown
        return no(held, purpose, controller)

    outcome = await _change(store, subject, if_serial, now, transition)
    row, serial = outcome.after.row(purpose, controller), outcome.after.serial
    if row.choice is Choice.UNSAID:
        return Refusal(row, serial, now, outstanding=0, changed=False)
    since = await store.took_effect_at(subject, purpose, controller)
    outstanding = 0
    if since is None:
        outstanding = await fencing.hold(subject, within_seconds)
    if since is None and not outstanding:
        since = await store.took_effect_at(subject, purpose, controller)
    return Refusal(row, serial, since, outstanding, bool(outcome.changes))


async def end_expired(store: Store, now: datetime) -> int:
    """End permissions whose time is over, a bounded number; answers how many people had one."""
    due = await store.due(now, EXPIRED_AT_ONCE)
    for subject in due:
        await _change(store, subject, 0, now, lambda held: expire(held, now))
    return len(due)


async def _change(
    store: Store,
    subject: str,
    if_serial: int,
    now: datetime,
    transition: Callable[[PermissionSet], Outcome],
) -> Outcome:
    async with store.transaction() as tx:
        held = (await tx.permissions.lock([subject])).get(subject)
        if held is None:
            raise PersonUnknown
        if if_serial not in {0, held.serial}:
            raise SerialStale
        outcome = transition(held)
        if outcome.after != held:
            await tx.permissions.save(outcome, now)
    return outcome
