"""Every change of a person's permissions as a chain of hashes: a changed past is found."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from services.identity.domain.permission import Change, Choice

FORM: Final = 2


@dataclass(frozen=True)
class Entry:
    """One change as it stands in the chain; `previous_hash` is empty for the first.

    `form` says what the hash is over: in form 1 without the terms (basis, channels, expiry and
    agreement). `took_effect_at` belongs to the end of a permission and is known later, so no hash
    is over it; it is None where nothing ended.
    """

    serial: int
    purpose: str
    controller: str
    choice: Choice
    epoch: int
    at: datetime
    signed_by: str
    previous_hash: str
    hash: str
    lawful_basis: str
    channels: tuple[str, ...]
    expires_at: datetime | None
    agreement_hash: str
    form: int
    ends: bool
    took_effect_at: datetime | None = None


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
            lawful_basis=row.lawful_basis,
            channels=row.channels,
            expires_at=row.expires_at,
            agreement_hash=row.agreement_hash,
            form=FORM,
            ends=change.ends,
        )
        previous_hash = hash_of(unsigned)
        entries.append(replace(unsigned, hash=previous_hash))
    return entries


def hash_of(entry: Entry) -> str:
    """SHA-256, in hex, over the entry's fields and the hash before it.

    Over exactly what a person is shown of the entry, so that they can check the chain themselves:
    a JSON list in the order of the fields, times in UTC with microseconds, an absent one as "".
    """
    fields: list[Any] = [
        entry.previous_hash,
        entry.serial,
        entry.purpose,
        entry.controller,
        entry.choice.value,
        entry.epoch,
        _moment(entry.at),
        entry.signed_by,
    ]
    if entry.form > 1:
        ends_at = _moment(entry.expires_at) if entry.expires_at else ""
        fields += [entry.lawful_basis, list(entry.channels), ends_at, entry.agreement_hash]
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


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
