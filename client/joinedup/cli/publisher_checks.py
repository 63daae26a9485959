"""What `joinedup publishers check` looks at; every finding comes with its cure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from joinedup.cli import publisher_belief as belief
from joinedup.cli import publisher_keys as keys
from joinedup.cli.checks import Finding
from joinedup.cli.home import Home, Problem
from joinedup.cli.publisher_register import EVERY_TYPE, Register
from joinedup.cli.publisher_topics import missing_topics
from joinedup.client.errors import ClientError

if TYPE_CHECKING:
    from services.events.adapters.catalogue_files import CatalogueFiles
    from services.events.domain.publisher import Key, Publisher

_SOON: Final = timedelta(days=7)
_OTHERS: Final = 0o077


async def examine(home: Home, register: Register, publishers: Sequence[str]) -> list[Finding]:
    """Look at the register, and at each publisher's types and keys; at all of them by default."""
    try:
        catalogue = register.whole()
    except Problem as wrong:
        return [Finding("register", good=False, seen=wrong.detail, fix=wrong.fix)]
    entries = [register.entry(each) for each in publishers or register.ids()]
    seen = f"{len(register.ids())} publishers in {register.catalogue}"
    findings = [Finding("register", good=True, seen=seen)]
    now = datetime.now(UTC)
    for entry in entries:
        findings.append(_types(catalogue, entry))
        findings += _keys(home, entry, now)
        if url := belief.address(home):
            findings += await _belief(home, entry, url)
    writing = [each.id for each in entries if not each.suspended]
    return findings + await asyncio.to_thread(_topics, home, writing)


def described(home: Home, entry: Publisher, now: datetime) -> dict[str, Any]:
    """An entry as data, each key with what it is good for."""
    signing = keys.signing_key(home, entry)
    return {
        "publisher": entry.id,
        "sandbox": entry.sandbox,
        "suspended": entry.suspended,
        "sources": sorted(entry.sources),
        "types": sorted(entry.types),
        "limits": {
            "events_per_second": entry.limits.events_per_second,
            "burst": entry.limits.burst,
        },
        "keys": [
            {
                "kid": key.kid,
                "file": key.file,
                "until": key.until.isoformat() if key.until else None,
                "in_force": not entry.suspended and key.in_force(now),
                "signs_here": key == signing,
            }
            for key in entry.keys
        ],
    }


def _types(catalogue: CatalogueFiles, entry: Publisher) -> Finding:
    name = f"{entry.id} types"
    listed = sorted(entry.types - {EVERY_TYPE})
    found = {each: catalogue.event_type(each) for each in listed}
    unknown = [each for each, event_type in found.items() if event_type is None]
    if unknown:
        seen = f"the catalogue has no {', '.join(unknown)}"
        return Finding(name, good=False, seen=seen, fix="take it out of types, or add the type")
    silent = [
        each
        for each, event_type in found.items()
        if event_type is not None and not event_type.may_be_published_by(entry.id)
    ]
    if silent and not entry.sandbox:
        fix = f"ask the type's owner to add {entry.id} to publishers in catalogue/events/TYPE.yaml"
        return Finding(name, good=False, seen=f"{', '.join(silent)} does not name it", fix=fix)
    kind = "sandbox: " if entry.sandbox else ""
    return Finding(name, good=True, seen=kind + ", ".join(sorted(entry.types)))


def _keys(home: Home, entry: Publisher, now: datetime) -> Iterator[Finding]:
    name = f"{entry.id} keys"
    rotate = f"`joinedup publishers rotate {entry.id}`"
    if entry.suspended:
        yield Finding(name, good=True, seen="suspended: none of them counts")
        return
    in_force = entry.keys_in_force(now)
    ends = [key.until for key in in_force if key.until is not None]
    missing = [key.file for key in in_force if not (home.publisher_keys / key.file).is_file()]
    if not in_force:
        yield Finding(name, good=False, seen="every key has ended", fix=rotate)
    elif len(ends) == len(in_force) and max(ends) - now < _SOON:
        yield Finding(name, good=False, seen=f"the last key ends at {max(ends)}", fix=rotate)
    elif missing and home.publisher_keys.is_dir():
        seen = f"{', '.join(missing)} not in {home.publisher_keys}"
        yield Finding(name, good=False, seen=seen, fix="put the public key there, or `make up`")
    else:
        yield Finding(name, good=True, seen=", ".join(key.kid for key in in_force))
    yield from _private(home, entry, in_force)


def _private(home: Home, entry: Publisher, in_force: Sequence[Key]) -> Iterator[Finding]:
    """What is wrong with the private keys here; nothing is said of a department that keeps its."""
    name = f"{entry.id} private key"
    private = keys.private_key(home, entry.id)
    for path in (private, *private.parent.glob(f"{entry.id}.*.private.pem")):
        if path.is_file():
            yield from _kept_well(name, path)
    if private.is_file():
        signing = keys.signing_key(home, entry)
        if signing not in in_force:
            fix = f"`joinedup publishers rotate {entry.id}` makes one that does"
            yield Finding(name, good=False, seen=f"{private} signs for no key in force", fix=fix)
    for key in entry.keys:
        followed = keys.private_key(home, entry.id, key.kid)
        if followed.is_file() and key not in in_force:
            fix = f"delete it; nothing is signed with {key.kid} any more"
            yield Finding(name, good=False, seen=f"{followed} has ended", fix=fix)


def _topics(home: Home, publishers: Sequence[str]) -> list[Finding]:
    try:
        missing = missing_topics(home, publishers)
    except Problem as away:
        return [Finding("topics", good=False, seen=away.detail, fix=away.fix)]
    fix = "`python -m deploy.local topics` makes them"
    return [Finding("topics", good=False, seen=each, fix=fix) for each in missing]


def _kept_well(name: str, path: Path) -> Iterator[Finding]:
    if path.stat().st_mode & _OTHERS:
        yield Finding(name, good=False, seen=f"others can read {path}", fix=f"chmod 600 {path}")
    try:
        keys.refuse_open_ground(path)
    except Problem as problem:
        yield Finding(name, good=False, seen=problem.detail, fix=problem.fix)


async def _belief(home: Home, entry: Publisher, url: str) -> list[Finding]:
    if entry.id not in home.publishers():
        return []
    name = f"{entry.id} at {url}"
    try:
        believed = await belief.is_believed(url, entry.id, home.publisher_key(entry.id))
    except ClientError as away:
        fix = "`make status` shows what runs; `make up` starts it"
        return [Finding(name, good=False, seen=str(away), fix=fix)]
    good = believed != entry.suspended
    seen = "believed" if believed else "not believed"
    fix = "it must read this catalogue and these keys; its log names what is wrong with a file"
    return [Finding(name, good, seen, fix)]
