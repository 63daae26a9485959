"""Admission: the one way in, whichever way an event came.

Events that come at the same time are admitted together, each with an answer of its own: what one
costs at the store, at identity and at the log is shared by all of them.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.events.domain.admission import (
    Application,
    Assertion,
    Receipt,
    Standing,
    Submission,
    digest_of,
)
from services.events.domain.attempt import Attempt
from services.events.domain.errors import (
    EventsError,
    IdempotencyMismatch,
    IdentityUnavailable,
    InProgress,
    NotAuthenticated,
    Refused,
    StoreUnavailable,
)
from services.events.domain.life_event import Entry, Resolution
from services.events.handlers.judge_event import Judged, attempt_of, judge_event
from services.events.ports import AccessLog, Admissions, Beyond, Register

Answer = Receipt | EventsError


@dataclass(frozen=True)
class Door:
    """What an event passes on its way in; behind it is the live platform, or the sandbox."""

    register: Register
    admissions: Admissions
    access_log: AccessLog
    live: Beyond
    sandbox: Beyond
    now: Callable[[], datetime]
    new_claim: Callable[[], str]


@dataclass
class _Candidate:
    """An event without fault, what it applies with, and what has become of it."""

    judged: Judged
    application: Application
    traceparent: str
    received_at: datetime
    answer: Answer | None = None
    again: list[int] = field(default_factory=list)
    """Where else among the submissions the same event stands."""


async def admit_life_events(door: Door, submissions: Sequence[Submission]) -> list[Answer]:
    """Admit events together: a receipt means that every record of the event is on the log.

    Raises nothing for an event: each has its answer, in order. Whatever that is, its assertion is
    used up.
    """
    at = door.now()
    answers: list[Answer | None] = [None] * len(submissions)
    try:
        candidates, attempts = await _read(door, submissions, answers, at)
        await _claim(door.admissions, candidates.values())
    except StoreUnavailable as unavailable:
        return [unavailable if answer is None else answer for answer in answers]
    await asyncio.gather(
        _bring_in(door, [each for each in candidates.values() if each.answer is None]),
        _write_down(door.access_log, attempts, answers),
    )
    for index, candidate in candidates.items():
        answers[index] = candidate.answer
        for other in candidate.again:
            answers[other] = _same_again(candidate, answers[other])
    return [InProgress() if answer is None else answer for answer in answers]


async def _read(
    door: Door, submissions: Sequence[Submission], answers: list[Answer | None], at: datetime
) -> tuple[dict[int, _Candidate], dict[int, tuple[Attempt, Refused]]]:
    """The candidates by their place; refusals go straight to the answers.

    But for attempts to go past what a publisher may do: they are written down first.
    """
    attempts: dict[int, tuple[Attempt, Refused]] = {}
    candidates: dict[int, _Candidate] = {}
    places: dict[str, _Candidate] = {}
    spend: list[tuple[int, Assertion]] = []
    used: set[tuple[str, str]] = set()
    for index, submission in enumerate(submissions):
        assertion = submission.assertion
        if assertion is not None and (assertion.publisher, assertion.jti) in used:
            answers[index] = NotAuthenticated("assertion_replayed")
            continue
        if assertion is not None:
            used.add((assertion.publisher, assertion.jti))
        judged = judge_event(door.register, submission, at)
        if isinstance(judged, Judged):
            candidate = _candidate(door, judged, submission, at)
            first = places.setdefault(candidate.application.event_id, candidate)
            if first is candidate:
                candidates[index] = candidate
                continue
            first.again.append(index)
            same = first.application.digest == candidate.application.digest
            answers[index] = None if same else IdempotencyMismatch()
        elif (attempt := attempt_of(door.register, submission, judged)) is not None:
            attempts[index] = attempt, judged
        else:
            answers[index] = judged
        if assertion is not None:
            spend.append((index, assertion))
    await _spend(door.admissions, spend, answers)
    return candidates, attempts


async def _write_down(
    access_log: AccessLog,
    attempts: Mapping[int, tuple[Attempt, Refused]],
    answers: list[Answer | None],
) -> None:
    """Refuse attempts once the people they named can see them; one with a used token is none."""
    waiting = {index: each for index, each in attempts.items() if answers[index] is None}
    named = [attempt for attempt, _ in waiting.values() if attempt.persons]
    away: IdentityUnavailable | None = None
    try:
        if named:
            await access_log.write_down(named)
    except IdentityUnavailable as unavailable:
        away = unavailable
    for index, (attempt, refused) in waiting.items():
        answers[index] = away if away is not None and attempt.persons else refused


async def _spend(
    admissions: Admissions,
    spend: Sequence[tuple[int, Assertion]],
    answers: list[Answer | None],
) -> None:
    if not spend:
        return
    fresh = await admissions.spend([assertion for _, assertion in spend])
    for (index, _), was_fresh in zip(spend, fresh, strict=True):
        if not was_fresh:
            answers[index] = NotAuthenticated("assertion_replayed")


async def _claim(admissions: Admissions, candidates: Iterable[_Candidate]) -> None:
    asking = list(candidates)
    if not asking:
        return
    claims = await admissions.apply([each.application for each in asking])
    for each, claim in zip(asking, claims, strict=True):
        if claim.received_at is not None:
            each.received_at = claim.received_at
        each.answer = _standing(claim.standing, each.application.event_id)


def _standing(standing: Standing, event_id: str) -> Answer | None:
    """The answer that a standing is; None where the event is to be brought in."""
    match standing:
        case Standing.OURS:
            return None
        case Standing.DONE:
            return Receipt(event_id, duplicate=True)
        case Standing.OTHER_BODY:
            return IdempotencyMismatch()
        case Standing.IN_PROGRESS:
            return InProgress()
        case Standing.REPLAYED:
            return NotAuthenticated("assertion_replayed")


async def _bring_in(door: Door, candidates: Sequence[_Candidate]) -> None:
    """Take claimed events behind the door; what must go silent first holds up nobody else."""
    sandbox = [each for each in candidates if each.judged.sandbox]
    alone = [each for each in candidates if each.judged.alone]
    together = [each for each in candidates if not each.judged.sandbox and not each.judged.alone]
    groups = [(door.sandbox, sandbox), (door.live, together), *((door.live, [a]) for a in alone)]
    works = [_go_on(door, beyond, group) for beyond, group in groups if group]
    for ended in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended


async def _go_on(door: Door, beyond: Beyond, group: Sequence[_Candidate]) -> None:
    try:
        entries = await _resolve(beyond, group)
        counts = await beyond.log.append([entry for _, entry in entries])
        settled = [
            (each.application, _records(each, count))
            for (each, _), count in zip(entries, counts, strict=True)
        ]
        await _settle(door, group, [(which, n) for which, n in settled if n is not None])
    finally:
        await _let_go(door.admissions, group)


async def _resolve(beyond: Beyond, group: Sequence[_Candidate]) -> list[tuple[_Candidate, Entry]]:
    resolutions = await beyond.subjects.resolve(
        [each.judged.event for each in group], [each.traceparent for each in group]
    )
    entries = []
    for each, resolution in zip(group, resolutions, strict=True):
        if isinstance(resolution, Resolution):
            entries.append((each, _entry(each, resolution)))
        else:
            each.answer = resolution
    return entries


def _entry(candidate: _Candidate, resolution: Resolution) -> Entry:
    return Entry(
        event=candidate.judged.event,
        facts=candidate.judged.facts,
        resolution=resolution,
        recorded_at=candidate.received_at,
        traceparent=candidate.traceparent,
    )


def _records(candidate: _Candidate, count: int | EventsError) -> int | None:
    if isinstance(count, EventsError):
        candidate.answer = count
        return None
    return count


async def _settle(
    door: Door, group: Sequence[_Candidate], settled: Sequence[tuple[Application, int]]
) -> None:
    """Mark as done what the log has acknowledged; only that is a receipt."""
    try:
        if settled:
            await door.admissions.settle(settled, door.now())
    except StoreUnavailable as unavailable:
        outcome: EventsError | None = unavailable
    else:
        outcome = None
    for each in group:
        if each.answer is None:
            receipt = Receipt(each.application.event_id, duplicate=False)
            each.answer = outcome or receipt


async def _let_go(admissions: Admissions, group: Sequence[_Candidate]) -> None:
    given_up = [each.application for each in group if not isinstance(each.answer, Receipt)]
    # Where the store is away too, the claim's lease runs out by itself.
    with contextlib.suppress(StoreUnavailable):
        if given_up:
            await admissions.let_go(given_up)


def _same_again(candidate: _Candidate, answer: Answer | None) -> Answer | None:
    """The answer to an event that stands among the submissions before, unless it has one."""
    if answer is not None:
        return answer
    if isinstance(candidate.answer, Receipt):
        return Receipt(candidate.answer.event_id, duplicate=True)
    # That the first one's assertion was used before says nothing about this one's.
    return InProgress() if isinstance(candidate.answer, NotAuthenticated) else candidate.answer


def _candidate(door: Door, judged: Judged, submission: Submission, at: datetime) -> _Candidate:
    event = judged.event
    application = Application(
        event_id=event.event_id,
        publisher=event.publisher,
        source=judged.told["source"],
        id=judged.told["id"],
        type=event.type,
        digest=digest_of(judged.told),
        at=at,
        traceparent=submission.traceparent,
        claim=door.new_claim(),
        assertion=submission.assertion,
    )
    return _Candidate(judged, application, submission.traceparent, at)
