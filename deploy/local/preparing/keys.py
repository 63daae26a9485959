"""The keys of one platform, made once and kept in its home (0600)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from joserfc.jwk import ECKey

from deploy.local.errors import LocalError
from deploy.local.services import KEY_OWNERS
from services.kit.service_tokens import generate_keypair
from services.kit.yaml_file import CatalogueInvalid, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SECRETS: Final = ("identifiers.hmac", "cursors.hmac", "sessions.secret", "oidc-client.secret")
_SECRET_BYTES: Final = 32


def publishers_in(catalogue: Path) -> dict[str, str]:
    """Return the publishers of the register: id, and the file of the public key it signs for now.

    Of several keys that is the last: each one follows those before it.
    """
    found = {}
    for path in sorted((catalogue / "publishers").glob("*.yaml")):
        try:
            entry = read_yaml(path).data
            found[str(entry["id"])] = str(entry["keys"][-1]["file"])
        except (CatalogueInvalid, KeyError, IndexError, TypeError) as wrong:
            message = f"{path} is no entry of the register of publishers: {wrong}"
            raise LocalError(message) from None
    return found


def ensure_keys(home: Path, publishers: Mapping[str, str]) -> list[Path]:
    """Make every key that is missing; return the private files that were made."""
    keys = home / "keys"
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    stems = [*(keys / "services" / owner for owner in KEY_OWNERS), keys / "person-tokens"]
    pairs = [
        (stem.with_name(f"{stem.name}.private.pem"), stem.with_name(f"{stem.name}.public.pem"))
        for stem in stems
    ]
    made = [private for private, public in pairs if _ensure_pair(private, public)]
    for publisher, file in publishers.items():
        private = keys / "publishers" / f"{publisher}.private.pem"
        public = keys / "publishers" / file
        # A public key alone is a department's that keeps the other half to itself.
        if not public.is_file() and _ensure_pair(private, public):
            made.append(private)
    return made + [path for name in _SECRETS for path in _ensure_secret(keys / name)]


def _ensure_pair(private: Path, public: Path) -> bool:
    """Make what is missing of a pair; true if the private half is new."""
    if private.is_file():
        if not public.is_file():
            key = ECKey.import_key(private.read_bytes())
            _put(public, key.as_pem(private=False))
        return False
    private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    drafts = [path.with_name(f"{path.name}.new") for path in (private, public)]
    generate_keypair(*drafts)
    # The private half first: the other can be made of it, should this end in between.
    for draft, path in zip(drafts, (private, public), strict=True):
        draft.replace(path)
    return True


def _put(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(content)
    draft.replace(path)


def _ensure_secret(path: Path) -> list[Path]:
    if path.is_file():
        return []
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_hex(_SECRET_BYTES))
    draft.rename(path)
    return [path]
