"""Who read a person's data: what other services and the door tell of it, and the person's look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from services.identity.domain.access_line import (
    AccessLine,
    Action,
    Reader,
    ReaderKind,
    newest_first,
)
from services.identity.domain.access_sentence import AccessNames, Words
from services.identity.domain.agreement import Agreements
from services.identity.domain.event_type import EventType
from services.identity.domain.identifier import Fingerprints, Identifier
from services.identity.domain.page_token import PageTokens
from services.identity.ports import NewId, Store
from services.identity.ports.access import AccessLog, Attempted, Page, WaitingLines

DEFAULT_PAGE: Final = 50
FORGOTTEN_AT_ONCE: Final = 1_000


@dataclass(frozen=True)
class Attempt:
    """An event that was refused: who sent it, why not, and the identifiers of each person."""

    publisher: str
    type: str
    reason: str
    event_id: str
    persons: tuple[tuple[Identifier, ...], ...] = field(repr=False)
    trace_id: str


@dataclass(frozen=True)
class Listed:
    """A page; `incomplete` where a service that may hold lines did not answer."""

    lines: Sequence[AccessLine]
    next_page: str
    incomplete: bool


async def read_access_log(
    subject: str,
    *,
    page_size: int,
    page_token: str,
    others_only: bool,
    access_log: AccessLog,
    waiting: WaitingLines,
    tokens: PageTokens,
) -> Listed:
    """A page of a person's lines, newest first; a page size of 0 means 50.

    Those who hold lines of their own are asked before the log is read: a line that is handed over
    in between is then met twice, and never missed. Raises PageTokenInvalid.
    """
    size = page_size or DEFAULT_PAGE
    page = Page(subject, size + 1, tokens.place(subject, page_token), others_only)
    held = await waiting.lines(page)
    lines, more = newest_first(await access_log.lines(page), held or (), size)
    next_page = tokens.after(subject, lines[-1].place) if more else ""
    return Listed(lines, next_page, incomplete=held is None)


async def append_lines(lines: Sequence[AccessLine], store: Store) -> None:
    """Take over lines that another service committed; the same again changes nothing."""
    async with store.transaction() as tx:
        await tx.access.add(lines)


async def refuse_attempts(
    attempts: Sequence[Attempt],
    *,
    store: Store,
    fingerprints: Fingerprints,
    new_id: NewId,
    now: datetime,
) -> None:
    """Write down for each person of refused events that somebody tried."""
    attempted = [
        Attempted(tuple(map(fingerprints.of_identifier, person)), _refused(attempt, new_id, now))
        for attempt in attempts
        for person in attempt.persons
    ]
    async with store.transaction() as tx:
        await tx.access.add_attempts(attempted)


async def forget_old_lines(access_log: AccessLog, now: datetime, kept: timedelta) -> int:
    """Forget a bounded number of lines that were kept for long enough; how many."""
    return await access_log.forget(now - kept, FORGOTTEN_AT_ONCE)


def names_of(
    types: Mapping[str, EventType], agreements: Agreements, publishers: Mapping[str, Words]
) -> AccessNames:
    """What the catalogue calls things now."""
    titles = {name: each.title for name, each in types.items()}
    purposes = {each.purpose: each.purpose_name for each in agreements.values()}
    labels = {name: label for each in types.values() for name, label in each.labels.items()}
    return AccessNames(publishers, titles | purposes, labels)


def _refused(attempt: Attempt, new_id: NewId, now: datetime) -> AccessLine:
    return AccessLine(
        id=new_id(),
        subject=new_id(),
        at=now,
        reader=Reader(ReaderKind.PUBLISHER, attempt.publisher),
        action=Action.REFUSED,
        purpose=attempt.type,
        lawful_basis="",
        event_id=attempt.event_id,
        trace_id=attempt.trace_id,
        reason=attempt.reason,
    )
