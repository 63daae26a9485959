"""Registering many people at once, and giving them accounts at a local sign-in provider."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from joinedup.cli.home import Home, Problem
from joinedup.cli.operator import Operator
from joinedup.client.errors import ClientError
from joinedup.identity.v1 import subjects_pb2 as pb

AT_ONCE: Final = 32
_FIELDS: Final = frozenset(
    {
        "sub",
        "name",
        "birth_date",
        "postcode",
        "sex",
        "identifiers",
        "language",
        "nation",
    }
)


@dataclass(frozen=True, slots=True)
class Registered:
    """One person's result; `error` is empty when they are registered."""

    sub: str
    existing: bool
    error: str = ""


def read_person(place: str, found: object) -> pb.RegisterRequest:
    """A person as a file describes them; raises Problem, which never quotes a value."""
    if not isinstance(found, dict):
        raise Problem("person_not_an_object", f"{place} is not a JSON object")
    unknown = sorted(set(found) - _FIELDS)
    if unknown:
        raise Problem(
            "field_unknown",
            f"{place} has a field that a person does not have",
            f"a person has: {', '.join(sorted(_FIELDS))}",
        )
    try:
        name = found.get("name")
        person = pb.Person(
            identifiers=[pb.Identifier(**each) for each in found.get("identifiers", ())],
            birth_date=found.get("birth_date", ""),
            postcode=found.get("postcode", ""),
            sex=found.get("sex", ""),
            name=pb.PersonName(**name) if name else None,
        )
        return pb.RegisterRequest(
            person=person,
            oidc_sub=found.get("sub", ""),
            language=found.get("language", "en"),
            nation=found.get("nation", ""),
        )
    except (TypeError, ValueError):
        raise Problem(
            "person_malformed",
            f"{place} has a field of the wrong kind",
            "see `joinedup people add --help` for what a line holds",
        ) from None


async def register(
    home: Home, people: Sequence[pb.RegisterRequest], advance: Callable[[], None]
) -> list[Registered]:
    """Register everyone, in any order, thirty-two at once; one result each, in order given."""
    slots = asyncio.Semaphore(AT_ONCE)
    async with Operator(home) as operator:

        async def one(request: pb.RegisterRequest) -> Registered:
            async with slots:
                try:
                    existing = await operator.register(request)
                except ClientError as failed:
                    return Registered(request.oidc_sub, existing=False, error=str(failed))
                finally:
                    advance()
                return Registered(request.oidc_sub, existing)

        results = list(await asyncio.gather(*(one(request) for request in people)))
    done = {each.sub for each in results if each.sub and not each.error}
    home.remember_people(
        {each.oidc_sub: full_name(each) for each in people if each.oidc_sub in done}
    )
    return results


async def add_accounts(home: Home, people: Sequence[pb.RegisterRequest]) -> int:
    """Give people accounts at the sign-in provider if it is our own local one; returns how many."""
    provider = home.endpoints()["sign_in"]
    if urlsplit(provider).hostname not in {"127.0.0.1", "localhost", "::1"}:
        return 0
    slots = asyncio.Semaphore(8)
    subs = [each for each in people if each.oidc_sub]
    async with httpx.AsyncClient(base_url=provider, timeout=10, trust_env=False) as http:

        async def one(request: pb.RegisterRequest) -> None:
            async with slots:
                claims: dict[str, Any] = {"name": full_name(request)}
                path = f"/users/{quote(request.oidc_sub, safe='')}"
                (await http.put(path, json=claims)).raise_for_status()

        try:
            await asyncio.gather(*(one(request) for request in subs))
        except httpx.HTTPError as failed:
            raise AccountsFailed(f"the sign-in provider: {type(failed).__name__}") from failed
    return len(subs)


class AccountsFailed(ClientError):
    """The sign-in provider did not take an account."""

    code = "accounts_failed"


def full_name(request: pb.RegisterRequest) -> str:
    """A person's name in one line."""
    name = request.person.name
    return " ".join([*name.given, name.family]).strip()
