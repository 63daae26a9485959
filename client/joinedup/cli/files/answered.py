"""Telling what became of each event of a file, and of all of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from joinedup.cli.files.entry import Entry
from joinedup.cli.files.refused_report import in_words
from joinedup.cli.files.resume import Counts
from joinedup.cli.home import Problem
from joinedup.cli.output import describe, emit, safe, say
from joinedup.client import Receipt, Refused, Unavailable

# As many are told one by one to a person; the rest are counted.
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Fits:
    """The event was not sent, and nothing is wrong with it as far as can be seen from here."""


Outcome: TypeAlias = Receipt | Fits | Refused | Problem | Unavailable


@dataclass(frozen=True, slots=True)
class Answered:
    """An entry of a file and what became of it."""

    entry: Entry
    publisher: str
    outcome: Outcome


class Teller:
    """Tells a person, or a program."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._told = self._taken = self._refused = 0
        self._accepted = "accepted"

    def tell(self, answered: Answered) -> None:
        """Tell of one event."""
        outcome = answered.outcome
        self._told += 1
        if isinstance(outcome, Fits):
            self._accepted = "fit"
        if self._as_json:
            emit(_document(answered))
        elif isinstance(outcome, Receipt | Fits):
            self._taken += 1
            if self._taken <= _SHOWN:
                _say_taken(answered.entry, outcome)
        else:
            self._refused += 1
            if self._refused <= _SHOWN:
                words = _with_code(describe(outcome))
                say(f"[red]not accepted[/red] {safe(answered.entry.place)}: {safe(words)}")

    def sum_up(
        self, counts: Counts, seconds: float, reports: Sequence[str], stopped: str = ""
    ) -> None:
        """Tell of all of them, where there was more than one."""
        many = max(counts.events, self._told) > 1
        if self._as_json:
            if many:
                emit({"summary": _summary(counts, seconds, reports, stopped)})
            return
        if many:
            rate = f", {counts.events / seconds:,.0f}/s" if seconds > 1 else ""
            known = f" ({counts.known:,} known before)" if counts.known else ""
            say(
                f"{counts.events:,} events: {counts.accepted:,} {self._accepted}{known}, "
                f"{counts.refused:,} refused, in {seconds:,.1f} s{rate}"
            )
        for each in reports:
            say(f"what was refused is in {safe(each)}: mend it there, and publish that file")
        if stopped:
            say(f"[bold]stopped[/bold] {safe(stopped)}; the same command goes on from there")


def _say_taken(entry: Entry, outcome: Receipt | Fits) -> None:
    if isinstance(outcome, Fits):
        say(f"[green]fits[/green] {safe(entry.place)}; it was not sent")
        return
    known = " (the platform had it already)" if outcome.duplicate else ""
    say(f"[green]accepted[/green] {safe(entry.place)} as [bold]{outcome.event_id}[/bold]{known}")
    if sys.stdout.isatty():
        say(f"  its whole path: joinedup why {outcome.event_id}")


def _document(answered: Answered) -> dict[str, Any]:
    entry, outcome = answered.entry, answered.outcome
    about = {
        "file": entry.place,
        "id": entry.about.get("id"),
        "publisher": answered.publisher,
    }
    if isinstance(outcome, Receipt):
        return {
            **about,
            "event_id": outcome.event_id,
            "status": outcome.status_url,
            "duplicate": outcome.duplicate,
        }
    if isinstance(outcome, Fits):
        return {**about, "fits": True}
    return {**about, "error": describe(outcome)}


def _summary(
    counts: Counts, seconds: float, reports: Sequence[str], stopped: str
) -> dict[str, Any]:
    return {
        "events": counts.events,
        "accepted": counts.accepted,
        "known": counts.known,
        "refused": counts.refused,
        "seconds": round(seconds, 3),
        "reports": list(reports),
        "complete": not stopped,
    }


def _with_code(described: dict[str, Any]) -> str:
    said = f"{described['code']}: {described['detail']}"
    return f"{said} ({in_words(described)})" if described.get("errors") else said
