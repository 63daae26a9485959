"""What a home remembers of the platform that runs in it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from deploy.local.errors import LocalError
from deploy.local.running import recorded
from deploy.local.running.supervisord import Folders

_NAME: Final = "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A process as the others need to know it."""

    name: str
    group: str
    address: str
    kind: str
    target: str
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One start of the platform. `owner` is the process it must not outlive, if any."""

    complete: bool
    sockets: str
    supervisord: str
    owner: str | None
    members: tuple[Member, ...]
    endpoints: dict[str, str]
    admin_url: str
    database_urls: dict[str, str]


def completed(begun: State) -> State:
    """Return the same state once everything in it is ready."""
    return replace(begun, complete=True)


def load(home: Path) -> State | None:
    """Return what the home remembers; None if nothing, or nothing legible."""
    try:
        data = json.loads((home / _NAME).read_text())
        members = tuple(
            Member(**{**each, "ports": tuple(each["ports"])}) for each in data.pop("members")
        )
        return State(members=members, **data)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def save(home: Path, state: State) -> None:
    """Remember, all at once; targets may hold a password, so for our eyes only."""
    draft = home / f"{_NAME}.new"
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(state), indent=1))
    draft.rename(home / _NAME)


def forget(home: Path) -> None:
    """Remember nothing."""
    (home / _NAME).unlink(missing_ok=True)


def running(state: State | None) -> bool:
    """Tell whether the supervisord of this state, and no later owner of its pid, lives."""
    return state is not None and recorded.alive(recorded.parse(state.supervisord))


def abandoned(state: State) -> bool:
    """Tell whether whoever started this platform is gone and it should go too.

    To be asked while holding the home: then an incomplete start is one that was killed.
    """
    if not state.complete:
        return True
    return state.owner is not None and not recorded.alive(recorded.parse(state.owner))


def folders(root: Path, home: Path) -> Folders:
    """Return a home's folders; sockets live in a short private folder of their own."""
    mark = hashlib.sha256(str(home).encode()).hexdigest()[:10]
    return Folders(root, home, Path(tempfile.gettempdir()) / f"joinedup-{os.geteuid()}-{mark}")


def make_folders(places: Folders) -> None:
    """Make what is missing, readable by us alone."""
    inside = ("logs", "pids", "programs", "keys", "data", "data/nudges")
    for folder in (places.home, *(places.home / name for name in inside)):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    places.sockets.mkdir(exist_ok=True, mode=0o700)
    if places.sockets.is_symlink() or places.sockets.stat().st_uid != os.geteuid():
        message = f"{places.sockets} belongs to somebody else: set TMPDIR to a folder of yours"
        raise LocalError(message)
