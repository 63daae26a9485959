"""The keys of one platform, made once and kept in its home (0600)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from deploy.local.services import KEY_OWNERS
from services.kit.service_tokens import generate_keypair

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SECRETS: Final = ("identifiers.hmac", "cursors.hmac", "sessions.secret", "oidc-client.secret")
_SECRET_BYTES: Final = 32


def publishers_in(catalogue: Path) -> list[str]:
    """Return the ids of the publishers that the catalogue names: one file each."""
    return sorted(path.stem for path in (catalogue / "publishers").glob("*.yaml"))


def ensure_keys(home: Path, publishers: Iterable[str] = ()) -> list[Path]:
    """Make every key that is missing; return the private files that were made."""
    keys = home / "keys"
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    pairs = [keys / "services" / owner for owner in KEY_OWNERS]
    pairs += [keys / "publishers" / publisher for publisher in publishers]
    pairs.append(keys / "person-tokens")
    made = [path for pair in pairs for path in _ensure_pair(pair)]
    return made + [path for name in _SECRETS for path in _ensure_secret(keys / name)]


def _ensure_pair(stem: Path) -> list[Path]:
    private = stem.with_name(f"{stem.name}.private.pem")
    public = stem.with_name(f"{stem.name}.public.pem")
    if private.is_file() and public.is_file():
        return []
    stem.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for leftover in (private, public):
        leftover.unlink(missing_ok=True)
    generate_keypair(private, public)
    return [private]


def _ensure_secret(path: Path) -> list[Path]:
    if path.is_file():
        return []
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_hex(_SECRET_BYTES))
    draft.rename(path)
    return [path]
