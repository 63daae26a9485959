"""What onboarding, rotating and off-boarding do, in steps that leave what is in force whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml.comments import CommentedMap

from joinedup.cli import publisher_belief as belief
from joinedup.cli import publisher_keys as keys
from joinedup.cli.home import Home, Problem
from joinedup.cli.publisher_register import EVERY_TYPE, Register, Wanted, new_entry
from joinedup.cli.publisher_scaffold import example_for, write_scaffold
from joinedup.cli.publisher_topics import make_topics

if TYPE_CHECKING:
    from services.events.adapters.catalogue_files import CatalogueFiles
    from services.events.domain.event_type import EventType
    from services.events.domain.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Place:
    """Where publishers are made and changed, and how long the running service is waited for."""

    home: Home
    register: Register
    wait_seconds: float

    async def in_force(
        self, publisher: str, key: Path, *, believed: bool, kid: str | None = None
    ) -> float | None:
        """Wait until the service believes a key, or no more; None where none runs to be asked."""
        url = belief.address(self.home)
        if url is None or not self.wait_seconds:
            return None
        return await belief.wait_until(
            url, publisher, key, believed=believed, seconds=self.wait_seconds, kid=kid
        )


async def onboard(place: Place, wanted: Wanted) -> dict[str, Any]:
    """Make all that a publisher needs, and wait until the running service believes its key."""
    home, register = place.home, place.register
    register.refuse_known(wanted.id)
    catalogue = register.whole()
    types = _types(catalogue, wanted.types)
    golden, *_ = catalogue.examples(types[0])
    private = keys.private_key(home, wanted.id)
    public = home.publisher_keys / f"{wanted.id}.public.pem"
    keys.make_pair(private, public)
    try:
        example = example_for(wanted.id, wanted.source, golden, datetime.now(UTC))
        event, test = write_scaffold(home.path / "publishers" / wanted.id, wanted.id, example)
        register.add(wanted.id, new_entry(wanted))
    except BaseException:
        private.unlink(missing_ok=True)
        public.unlink(missing_ok=True)
        raise
    return {
        "publisher": wanted.id,
        "sandbox": not wanted.live,
        "entry": str(register.path(wanted.id)),
        "private_key": str(private),
        "public_key": str(public),
        "example": str(event),
        "test": str(test),
        "topics": await asyncio.to_thread(make_topics, home, [wanted.id]),
        "believed_after_seconds": await place.in_force(wanted.id, private, believed=True),
        "not_named_by": [
            each.name for each in types if wanted.live and not each.may_be_published_by(wanted.id)
        ],
        "next": _next(wanted, example, event, test),
    }


async def rotate(place: Place, publisher: str, overlap: timedelta) -> dict[str, Any]:
    """Let a new key follow those there are, which count until the overlap is over.

    The new one is in force before anybody signs with it, and the old ones until after that.
    """
    home, register = place.home, place.register
    private = home.publisher_key(publisher)
    register.whole()
    entry = _without_ended(place, publisher)
    kid = keys.next_kid(entry)
    file = f"{publisher}.{kid}.public.pem"
    draft, public = private.with_name(f"{private.name}.new"), home.publisher_keys / file
    for left_over in (draft, public):
        left_over.unlink(missing_ok=True)
    keys.make_pair(draft, public)
    try:
        register.change(publisher, lambda told: _add_key(told, kid, file))
        try:
            took = None
            if not entry.suspended:
                took = await place.in_force(publisher, draft, believed=True, kid=kid)
        except BaseException:
            register.change(publisher, lambda told: _drop_keys(told, [kid]))
            raise
    except BaseException:
        draft.unlink(missing_ok=True)
        public.unlink(missing_ok=True)
        raise
    keys.follow(home, entry, draft, keep=bool(overlap))
    until = (datetime.now(UTC) + overlap).replace(microsecond=0)
    register.change(publisher, lambda told: _end_keys(told, until, but=kid))
    keys.forget_ended(home, register.entry(publisher), until - overlap)
    return {
        "publisher": publisher,
        "kid": kid,
        "private_key": str(private),
        "public_key": str(public),
        "others_until": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        "believed_after_seconds": took,
    }


async def suspend(place: Place, publisher: str) -> dict[str, Any]:
    """Off-board: nothing of the publisher is believed once the running service has read it."""
    place.register.change(publisher, lambda told: told.update(suspended=True))
    return await _changed(place, publisher, suspended=True)


async def resume(place: Place, publisher: str) -> dict[str, Any]:
    """Take a suspension back."""
    place.register.change(publisher, lambda told: told.pop("suspended", None))
    return await _changed(place, publisher, suspended=False)


async def _changed(place: Place, publisher: str, *, suspended: bool) -> dict[str, Any]:
    _refuse_faults(place, publisher)
    took = None
    if publisher in place.home.publishers():
        key = place.home.publisher_key(publisher)
        took = await place.in_force(publisher, key, believed=not suspended)
    return {"publisher": publisher, "suspended": suspended, "in_force_after_seconds": took}


def _refuse_faults(place: Place, publisher: str) -> None:
    """Raise Problem when a fault in any file keeps this change too out of force."""
    try:
        place.register.whole()
    except Problem as fault:
        files = ", ".join(key.file for key in place.register.entry(publisher).keys)
        raise Problem(
            fault.code,
            f"written, and not in force: {fault.detail}",
            f"{fault.fix}; to have {publisher} refused until then, move its public keys away "
            f"({files} in {place.home.publisher_keys})",
        ) from None


def _without_ended(place: Place, publisher: str) -> Publisher:
    entry = place.register.entry(publisher)
    ended = keys.forget_ended(place.home, entry, datetime.now(UTC))
    if ended:
        place.register.change(publisher, lambda told: _drop_keys(told, ended))
        entry = place.register.entry(publisher)
    if len(entry.keys) >= keys.MOST_KEYS:
        raise Problem(
            "too_many_keys",
            f"{publisher} has {len(entry.keys)} keys, and more are never tried",
            f"wait until one has ended, or take one out of {place.register.path(publisher)}",
        )
    return entry


def _types(catalogue: CatalogueFiles, names: Sequence[str]) -> list[EventType]:
    known = {each.name: each for each in catalogue.event_types()}
    if EVERY_TYPE in names:
        return list(known.values())
    for name in names:
        if name not in known:
            raise Problem(
                "event_type_unknown",
                f"the catalogue has no type {name!r}",
                f"name one of: {', '.join(known)}",
            )
    return [known[name] for name in names]


def _next(wanted: Wanted, example: Mapping[str, Any], event: Path, test: Path) -> list[str]:
    from services.events.domain.admission import event_id_of, in_sandbox

    admitted_as = wanted.id if wanted.live else in_sandbox(wanted.id)
    event_id = event_id_of(admitted_as, wanted.source, example["id"])
    return [
        f"joinedup publish {event} --publisher {wanted.id}",
        f"joinedup event {event_id} --publisher {wanted.id}",
        f"pytest {test}",
    ]


def _add_key(told: Any, kid: str, file: str) -> None:
    key = CommentedMap({"kid": kid, "file": file})
    key.fa.set_flow_style()
    told["keys"].append(key)


def _end_keys(told: Any, until: datetime, *, but: str) -> None:
    for key in told["keys"]:
        earlier = "until" in key and datetime.fromisoformat(key["until"]) <= until
        if key["kid"] != but and not earlier:
            key["until"] = f"{until:%Y-%m-%dT%H:%M:%SZ}"


def _drop_keys(told: Any, kids: Sequence[str]) -> None:
    for index in reversed(range(len(told["keys"]))):
        # An entry keeps one key, ended or not.
        if told["keys"][index]["kid"] in kids and len(told["keys"]) > 1:
            del told["keys"][index]
