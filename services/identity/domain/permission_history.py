"""Every change of a person's permissions as a chain of hashes: a changed past is found."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from services.identity.domain.permission import Change, Choice


@dataclass(frozen=True)
class Entry:
    """One change as it stands in the chain; `previous_hash` is empty for the first."""

    serial: int
    purpose: str
    controller: str
    choice: Choice
    epoch: int
    at: datetime
    signed_by: str
    previous_hash: str
    hash: str


def append(previous_hash: str, changes: Iterable[Change], at: datetime) -> list[Entry]:
    """The changes as entries after the one whose hash is given."""
    entries: list[Entry] = []
    for change in changes:
        row = change.permission
        unsigned = Entry(
            serial=change.serial,
            purpose=row.purpose,
            controller=row.controller,
            choice=row.choice,
            epoch=row.epoch,
            at=at,
            signed_by=change.signed_by,
            previous_hash=previous_hash,
            hash="",
        )
        previous_hash = hash_of(unsigned)
        entries.append(replace(unsigned, hash=previous_hash))
    return entries


def hash_of(entry: Entry) -> str:
    """SHA-256, in hex, over the entry's fields and the hash before it.

    Over exactly what a person is shown of the entry, so that they can check the chain themselves:
    a JSON list in the order of the fields, the time in UTC with microseconds.
    """
    at = entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    fields = [
        entry.previous_hash,
        entry.serial,
        entry.purpose,
        entry.controller,
        entry.choice.value,
        entry.epoch,
        at,
        entry.signed_by,
    ]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def first_broken(entries: Sequence[Entry]) -> int | None:
    """Index of the first entry that was changed, moved or follows a gap; None when all is well."""
    previous = ""
    for index, entry in enumerate(entries):
        if entry.previous_hash != previous or entry.hash != hash_of(entry):
            return index
        previous = entry.hash
    return None
