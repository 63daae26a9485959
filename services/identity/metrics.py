"""Every instrument of this service: what is counted at the edge from what was answered."""

from collections.abc import Sequence
from typing import Final

from services.identity.handlers.choices import Refusal
from services.identity.handlers.resolve_life_event import Resolved
from services.kit.telemetry import meter

_METER: Final = meter("joinedup.identity")

_persons = _METER.create_counter(
    "joinedup.identity.persons_resolved", "{person}", "Persons of events, matched or minted"
)
_repeats = _METER.create_counter(
    "joinedup.identity.events_repeated", "{event}", "Events answered as they were before"
)
_conflicts = _METER.create_counter(
    "joinedup.identity.identifier_conflicts",
    "{person}",
    "Persons whose identifiers point at more than one handle; the strongest was believed",
)
_changes = _METER.create_counter(
    "joinedup.identity.permission_changes",
    "{change}",
    "Permissions given, withdrawn, objected to or expired",
)
_effect = _METER.create_histogram(
    "joinedup.identity.withdrawal_effect",
    "s",
    "From a withdrawal or an objection until no process could act on the older permission",
    explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
)
_taking_effect = _METER.create_counter(
    "joinedup.identity.withdrawals_taking_effect",
    "{withdrawal}",
    "Withdrawals and objections answered before every process had confirmed",
)
_pending = _METER.create_gauge(
    "joinedup.identity.fences_pending", "{fence}", "Fences that do not hold everywhere yet"
)
_doubtful = _METER.create_gauge(
    "joinedup.identity.losses_doubtful",
    "{event}",
    "Losses that may be about more than one child: each is silent until the register says which",
)
_relayed = _METER.create_counter(
    "joinedup.identity.outbox_relayed", "{record}", "Permission sets told to the log"
)
_access_lines = _METER.create_counter(
    "joinedup.identity.access_lines", "{line}", "Lines of access logs, by what they came of"
)
_sign_ins = _METER.create_counter(
    "joinedup.identity.sign_ins", "{sign_in}", "ID tokens exchanged, or refused and why"
)


def events_resolved(resolved: Sequence[Resolved]) -> None:
    """Count answered events."""
    repeats = sum(each.repeated for each in resolved)
    if repeats:
        _repeats.add(repeats)
    matched, minted = sum(each.matched for each in resolved), sum(each.minted for each in resolved)
    for outcome, count in (("matched", matched), ("minted", minted)):
        if count:
            _persons.add(count, {"joinedup.outcome": outcome})
    identifiers_in_conflict(sum(each.conflicts for each in resolved))


def identifiers_in_conflict(persons: int) -> None:
    """Count persons whose identifiers point at more than one handle."""
    if persons:
        _conflicts.add(persons)


def permission_given(changes: int) -> None:
    """Count what giving changed."""
    if changes:
        _changes.add(changes, {"joinedup.outcome": "given"})


def permission_refused(refusal: Refusal, seconds: float) -> None:
    """Count a withdrawal or an objection and, once it holds, how long that took."""
    if refusal.changed:
        _changes.add(1, {"joinedup.outcome": refusal.permission.choice.value})
    if refusal.outstanding:
        _taking_effect.add(1)
    elif refusal.changed:
        _effect.record(seconds)


def permissions_expired(people: int) -> None:
    """Count people one of whose permissions ended by itself."""
    if people:
        _changes.add(people, {"joinedup.outcome": "expired"})


def losses_doubtful(count: int) -> None:
    """Note how many losses may be about more than one child."""
    _doubtful.set(count)


def fences_pending(count: int) -> None:
    """Note how many fences do not hold everywhere yet."""
    _pending.set(count)


def outbox_relayed(records: int) -> None:
    """Count records told to the log."""
    if records:
        _relayed.add(records)


def access_lines(outcome: str, lines: int) -> None:
    """Count lines: `appended` by another service, `refused` attempts, `forgotten` ones."""
    if lines:
        _access_lines.add(lines, {"joinedup.outcome": outcome})


def signed_in(outcome: str) -> None:
    """Count an exchange: `exchanged`, or the code of its refusal."""
    _sign_ins.add(1, {"joinedup.outcome": outcome})
