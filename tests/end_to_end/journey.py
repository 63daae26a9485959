"""A register office that tells, a mother who listens, and what was decided between them."""

from __future__ import annotations

import contextlib

from demo.waiting import seen
from joinedup.cli.home import Home
from joinedup.cli.operator import Operator
from joinedup.client import AsyncPublisher, Choices, Device, PersonSession, Refused

CHILD_BENEFIT = "family.child-benefit"


@contextlib.asynccontextmanager
async def listening(platform, mother):
    """Her device, and her choices."""
    endpoints = platform.endpoints
    async with (
        PersonSession(
            mother.sub, sign_in_url=endpoints["sign_in"], identity=endpoints["identity_grpc"]
        ) as session,
        Device(session, notifications=endpoints["notifications_grpc"]) as device,
    ):
        yield device, Choices(session)


@contextlib.asynccontextmanager
async def register_office(platform):
    """The General Register Office, with its own key."""
    key = Home(platform.home).publisher_key("gro")
    url = platform.endpoints["events_http"]
    async with AsyncPublisher("gro", key=key, url=url) as gro:
        yield gro


async def outcome_of(platform, event_id):
    """What was decided about Child Benefit for the mother, once it was."""

    async with Operator(Home(platform.home)) as operator:

        async def ask():
            with contextlib.suppress(Refused):
                answer = await operator.explain(event_id)
                for decision in answer.decisions:
                    return next(each for each in decision.nudges if each.nudge == CHILD_BENEFIT)
            return None

        return await seen(ask, "a decision", seconds=60)
