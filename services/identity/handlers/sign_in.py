"""From the identity provider's word to the platform's own."""

from dataclasses import dataclass, field
from datetime import datetime

from services.identity.domain.errors import PersonUnknown
from services.identity.ports import IdTokens, PersonTokens, Store


@dataclass(frozen=True)
class SignedIn:
    """A person token, when it ends, and the language the person reads."""

    token: str = field(repr=False)
    expires_at: datetime
    language: str


async def exchange_id_token(
    store: Store,
    id_tokens: IdTokens,
    person_tokens: PersonTokens,
    *,
    id_token: str,
    nonce: str,
    now: datetime,
) -> SignedIn:
    """A token for the person a sign-in is bound to; raises SignInRefused and PersonUnknown."""
    issuer, sub = await id_tokens.subject_of(id_token, nonce)
    found = await store.sign_in(issuer, sub)
    if found is None:
        raise PersonUnknown
    handle, language = found
    token, expires_at = person_tokens.token(handle, language, now)
    return SignedIn(token, expires_at, language)
