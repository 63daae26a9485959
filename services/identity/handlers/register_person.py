"""A person is registered with the identifiers departments hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.identity.domain.access_line import (
    IDENTIFIERS,
    REGISTRATION,
    AccessLine,
    Action,
    Reader,
    ReaderKind,
)
from services.identity.domain.errors import SignInConflict
from services.identity.domain.event_type import described
from services.identity.domain.identifier import Fingerprint, Fingerprints, Match, match
from services.identity.domain.life_event import Person
from services.identity.ports import FieldFed, NewId, Store, SubjectRow, Transaction


@dataclass(frozen=True)
class Registration:
    """Who is to be registered; `sub` is empty for somebody without a sign-in account."""

    person: Person
    issuer: str
    sub: str = field(repr=False)
    language: str
    nation: str


@dataclass(frozen=True)
class Registered:
    """The person's handle, whether they were known already, and whether identifiers disagreed."""

    subject: str = field(repr=False)
    existing: bool
    conflict: bool


async def register_person(
    registration: Registration,
    *,
    store: Store,
    fingerprints: Fingerprints,
    new_id: NewId,
    now: datetime,
    trace_id: str = "",
) -> Registered:
    """Find the person by sign-in or identifiers, else write them down. Idempotent.

    An operator vouches for the identifiers, so those that nobody had are bound to the person; one
    that leads to somebody else stays theirs. Raises SignInConflict.
    """
    marks = [fingerprints.of_identifier(each) for each in registration.person.identifiers]
    account = fingerprints.of_sign_in(registration.issuer, registration.sub)
    digests = [mark.digest for mark in marks] + ([account] if registration.sub else [])
    async with store.transaction() as tx:
        known = await tx.subjects.lock_known(digests)
        found = match(marks, known)
        handle = await _find(tx, registration, found)
        existing = handle is not None
        if handle is None:
            handle = new_id()
            row = SubjectRow(handle, registration.language, registration.nation)
            await tx.subjects.add([row], now)
        else:
            await tx.subjects.settle(handle, registration.language, registration.nation)
        await _bind(tx, handle, registration, marks, known)
        told = described(registration.person)
        fed = [FieldFed(handle, name, value) for name, value in told.items()]
        await tx.subjects.tell(fed, now)
        await tx.access.add([_line(new_id(), handle, (IDENTIFIERS, *told), now, trace_id)])
    return Registered(handle, existing, found.conflict)


def _line(
    line_id: str, handle: str, fields: tuple[str, ...], at: datetime, trace_id: str
) -> AccessLine:
    return AccessLine(
        id=line_id,
        subject=handle,
        at=at,
        reader=Reader(ReaderKind.OPERATOR),
        action=Action.READ,
        purpose=REGISTRATION,
        lawful_basis="public_task",
        fields=fields,
        trace_id=trace_id,
    )


async def _find(tx: Transaction, registration: Registration, found: Match) -> str | None:
    if not registration.sub:
        return found.handle
    bound = await tx.subjects.signed_in(registration.issuer, registration.sub)
    if bound is not None and found.handle not in {None, bound}:
        raise SignInConflict
    return bound or found.handle


async def _bind(
    tx: Transaction,
    handle: str,
    registration: Registration,
    marks: list[Fingerprint],
    known: Mapping[bytes, str],
) -> None:
    await tx.subjects.bind(handle, [mark for mark in marks if mark.digest not in known])
    if registration.sub and not await tx.subjects.bind_sign_in(
        registration.issuer, registration.sub, handle
    ):
        raise SignInConflict
