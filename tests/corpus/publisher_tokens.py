"""The tokens that an entry of the corpus sends as a publisher: right but for one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joserfc.jwk import ECKey, RSAKey

if TYPE_CHECKING:
    from tests.events_service import EventsService


def token_of(service: EventsService, wanted: dict[str, Any]) -> str:
    """A token; moments among its claims are seconds from now."""
    now = int(service.now().timestamp())
    claims = {
        name: now + value if name in {"iat", "exp", "nbf"} and value is not None else value
        for name, value in wanted.get("claims", {}).items()
    }
    publisher = wanted.get("publisher", "gro")
    header = wanted.get("header", {})
    if wanted.get("padding"):
        claims["padding"] = "x" * wanted["padding"]
    key = _signing_key(service, wanted)
    return service.token(publisher, key=key, header=header, **claims)


def _signing_key(service: EventsService, wanted: dict[str, Any]) -> Any:
    kind = wanted.get("key", "own")
    if kind == "stranger":
        return ECKey.generate_key("P-256")
    if kind == "own public key as a secret":
        path = service.folder / "publishers" / f"{wanted.get('publisher', 'gro')}.public.pem"
        return path.read_bytes()
    if kind == "rsa":
        return RSAKey.generate_key(2048)
    return None
