"""Before the play: the platform comes up, people are registered, choose, and switch devices on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from demo.stage import Stage
from demo.town.people import Townsperson
from demo.waiting import expect
from joinedup.cli.output import progress
from joinedup.cli.registering import add_accounts, register
from joinedup.client import Choices, PersonSession
from joinedup.identity.v1 import subjects_pb2 as pb
from joinedup.identity.v1.permission_set_pb2 import CHOICE_GIVEN
from joinedup.identity.v1.permissions_pb2 import Offer

_SIGN_INS_AT_ONCE: Final = 8
# Whoever has no device of the play permits some of what is offered, each something else.
_SOME: Final = 5


async def register_town(stage: Stage) -> str:
    """Register everyone; who was registered by an earlier run is found again."""
    began = time.monotonic()
    people = [request_for(each) for each in stage.town]
    with progress("registering the town", len(people)) as advance:
        results = await register(stage.home, people, advance)
    seconds = time.monotonic() - began
    failed = [each.error for each in results if each.error]
    expect(not failed, f"{len(failed)} people were not registered: {failed[:1]}")
    players = {each.sub for each in (*stage.players.listening, *stage.players.permitting)}
    await add_accounts(stage.home, [each for each in people if each.oidc_sub in players])
    known = sum(each.existing for each in results)
    return (
        f"{len(people):,} people in {seconds:.1f} s ({len(people) / seconds:.0f} a second), "
        f"{known:,} of them known before"
    )


async def give_permissions(stage: Stage) -> str:
    """The players sign in and choose, as themselves; everyone else stays at no."""
    slots = asyncio.Semaphore(_SIGN_INS_AT_ONCE)
    people = (*stage.players.listening, *stage.players.permitting)
    with progress("people choose", len(people)) as advance:

        async def one(number: int, person: Townsperson) -> int:
            async with slots:
                given = await _choose(stage, person, number)
                advance()
                return given

        given = await asyncio.gather(*(one(*each) for each in enumerate(people)))
    expect(all(given), "somebody found nothing to permit")
    others = len(stage.players.others)
    return (
        f"{len(people)} people signed in and hold {sum(given)} permissions; "
        f"{others:,} were never asked, which means no"
    )


async def switch_devices_on(stage: Stage) -> str:
    """Every device opens its stream."""
    await stage.fleet.start()
    cy = sum(each.language == "cy" for each in stage.players.listening)
    return f"{len(stage.players.listening)} devices listen, {cy} of them in Welsh"


def request_for(person: Townsperson) -> pb.RegisterRequest:
    """A person as the operator registers them."""
    held = {
        "nino": person.nino,
        "nhs-number": person.nhs_number,
        "driver-number": person.driver_number,
    }
    return pb.RegisterRequest(
        person=pb.Person(
            identifiers=[
                pb.Identifier(scheme=scheme, value=value) for scheme, value in held.items() if value
            ],
            name=pb.PersonName(given=person.given, family=person.family),
            birth_date=person.born.isoformat(),
            postcode=person.postcode,
            sex=person.sex,
        ),
        oidc_sub=person.sub,
        language=person.language,
        nation=person.nation,
    )


async def _choose(stage: Stage, person: Townsperson, number: int) -> int:
    async with AsyncExitStack() as stack:
        choices = Choices(await _session(stage, person, stack))
        answer = await choices.listed()
        given = {
            (row.purpose, row.controller)
            for row in answer.permissions.permissions
            if row.choice == CHOICE_GIVEN
        }
        everything = person in (*stage.players.listening, *stage.players.known)
        wanted = list(answer.offers) if everything else _some(answer.offers, number)
        for offer in wanted:
            if (offer.purpose, offer.controller) not in given:
                await choices.accept(offer)
        return len(wanted)


async def _session(stage: Stage, person: Townsperson, stack: AsyncExitStack) -> PersonSession:
    if person in stage.players.listening:
        return stage.fleet[person.sub].session
    provider, identity = stage.endpoints["sign_in"], stage.endpoints["identity_grpc"]
    return await stack.enter_async_context(
        PersonSession(person.sub, sign_in_url=provider, identity=identity)
    )


def _some(offers: Sequence[Offer], number: int) -> list[Offer]:
    """A few offers, beginning at another one for each person."""
    return [offers[(number + step) % len(offers)] for step in range(min(_SOME, len(offers)))]
