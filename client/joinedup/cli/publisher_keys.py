"""A publisher's key files: for their owner alone, and never where git would take them along."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from joinedup.cli.home import Home, Problem
from services.kit.service_tokens import generate_keypair

if TYPE_CHECKING:
    from services.events.domain.publisher import Key, Publisher

MOST_KEYS: Final = 4
# What lies on an inbound topic was signed up to so long ago, and is judged by that moment.
REMEMBERED: Final = timedelta(hours=24)
_NOT_IGNORED: Final = 1
_FIX: Final = "set JOINEDUP_HOME to a folder outside of the work tree, or add it to .gitignore"


def private_key(home: Home, publisher: str, kid: str = "") -> Path:
    """Where a publisher's private key is; with an id, one that another key has followed."""
    name = f"{publisher}.{kid}" if kid else publisher
    return home.publisher_keys / f"{name}.private.pem"


def next_kid(entry: Publisher) -> str:
    """The id after the highest one there is: gro-2 after gro-1."""
    endings = [key.kid.removeprefix(f"{entry.id}-") for key in entry.keys]
    highest = max((int(each) for each in endings if each.isdecimal()), default=0)
    return f"{entry.id}-{highest + 1}"


def make_pair(private: Path, public: Path) -> None:
    """Make both halves; raises Problem where there is one already, or git could take it along."""
    refuse_open_ground(private)
    for path in (private, public):
        if path.exists():
            raise Problem(
                "key_exists",
                f"{path} is there already, and a key is never overwritten",
                "take another id; or move the file away, if nobody signs with it any more",
            )
    private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    generate_keypair(private, public)


def refuse_open_ground(path: Path) -> None:
    """Raise Problem when a path is in a git work tree that does not ignore it."""
    whole = path.absolute()
    there = next(each for each in whole.parents if each.is_dir())
    # Whoever owns the tree: git would else not say.
    command = ["git", "-c", "safe.directory=*", "-C", str(there), "check-ignore", "-q", str(whole)]
    try:
        code = subprocess.run(command, capture_output=True, check=False).returncode
    except FileNotFoundError:
        code = None
    if code == 0:
        return
    in_a_tree = any((each / ".git").exists() for each in (there, *there.parents))
    if code == _NOT_IGNORED or in_a_tree:
        raise Problem("key_in_git", f"git would take {path} along with the next commit", _FIX)


def halves_match(private: Path, public: Path) -> bool:
    """Whether two files hold the halves of one key; false when either cannot be read."""
    try:
        pair = [ECKey.import_key(path.read_bytes()) for path in (private, public)]
    except (OSError, ValueError, JoseError):
        return False
    return pair[0].thumbprint() == pair[1].thumbprint()


def signing_key(home: Home, entry: Publisher) -> Key | None:
    """The key of the entry whose private half is here; None when it is none of them."""
    private = private_key(home, entry.id)
    found = (key for key in entry.keys if halves_match(private, home.publisher_keys / key.file))
    return next(found, None)


def follow(home: Home, entry: Publisher, draft: Path, *, keep: bool) -> None:
    """Put a new private key in the place of the one before, which is kept under its key's id."""
    private, old = private_key(home, entry.id), signing_key(home, entry)
    if keep and old is not None:
        kept = private_key(home, entry.id, old.kid)
        kept.unlink(missing_ok=True)
        os.link(private, kept)
    draft.replace(private)


def forget_ended(home: Home, entry: Publisher, now: datetime) -> list[str]:
    """Delete the files of keys that have ended; answers the ids that the register may forget."""
    forgotten = []
    for key in entry.keys:
        if key.until is None or key.until > now:
            continue
        private_key(home, entry.id, key.kid).unlink(missing_ok=True)
        if key.until + REMEMBERED <= now:
            (home.publisher_keys / key.file).unlink(missing_ok=True)
            forgotten.append(key.kid)
    return forgotten
