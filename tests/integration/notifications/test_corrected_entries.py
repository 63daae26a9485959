"""What a register says of an entry, one statement after the other, as people see it in the end.

The records are those that events writes; nudges decides them as a process of its own, on the
shipped catalogue, and notifications carries it out.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio

from joinedup.events.v1 import life_event_record_pb2 as events_pb2
from joinedup.notifications.v1 import decisions_pb2, prompts_pb2
from services.kit.ids import new_random_id
from services.kit.rpc import reason_of
from tests.integration.notifications.conftest import for_a_file
from tests.integration.notifications.running import eventually
from tests.integration.nudges.worker import Worker, worker_environment
from tests.unit.notifications.builders import a_given_row, a_set_message
from tests.unit.nudges.builders import a_record, a_timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.notifications.identity import Keys
    from tests.integration.notifications.running import Around

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
TODAY = datetime.now(UTC)
BORN, CORRECTED = (f"{TODAY - timedelta(days=back):%Y-%m-%d}" for back in (6, 7))
OPENED, SENT, SUPPRESSED = (
    prompts_pb2.STATE_OPENED,
    prompts_pb2.STATE_SENT,
    prompts_pb2.STATE_SUPPRESSED,
)
FORMAL, TYPOGRAPHICAL, CANCELLED, REMOVED = (
    events_pb2.REASON_FORMAL_CORRECTION,
    events_pb2.REASON_TYPOGRAPHICAL,
    events_pb2.REASON_CANCELLED,
    events_pb2.REASON_CANCELLATION_REMOVED,
)


@for_a_file
async def worker(around: Around, keys: Keys, tmp_path_factory: Any) -> AsyncIterator[Worker]:
    folder = tmp_path_factory.mktemp("worker")
    environment = worker_environment(
        around.kafka, around.identity.target, keys.folder, folder / "data", "nudges-9"
    )
    running = Worker(environment, folder / "log").start()
    try:
        await asyncio.to_thread(running.wait_ready)
        yield running
    finally:
        await asyncio.to_thread(running.terminate)


class Register:
    """What is said of one mother's entry, each statement awaited until it is decided."""

    def __init__(self, log: Any, person: Any) -> None:
        self.log = log
        self.person = person
        self.entry = new_random_id()

    async def says(self, **about: Any) -> str:
        """One statement, a first one unless its reason says otherwise; its event id."""
        later = "reason" in about
        fields = {
            "event_id": new_random_id() if later else self.entry,
            "subject": self.person.subject,
            "occurred": BORN,
            "recorded_at": a_timestamp(TODAY),
            "permission_serial": 1,
            "root_event_id": self.entry,
            "supersedes": self.entry if later else "",
            "standing": events_pb2.STANDING_IN_FORCE,
        }
        record = a_record(**{**fields, **about})
        await self.log.happen(record)
        await eventually(lambda: self.why(record.event_id), 30)
        return str(record.event_id)

    async def why(self, event_id: str) -> dict[str, tuple[str, tuple[str, ...]]]:
        """What became of each nudge, and why; nothing before it is decided."""
        try:
            told = await self.person.explain(decisions_pb2.ExplainRequest(id=event_id))
        except grpc.aio.AioRpcError:
            return {}
        nudges = told.decisions[0].nudges
        return {each.nudge: (each.outcome, tuple(each.reasons)) for each in nudges}

    async def prompt(self, event_id: str, nudge: str) -> str:
        """The id of the prompt that a statement's nudge is about."""
        told = await self.person.explain(decisions_pb2.ExplainRequest(id=event_id))
        (found,) = (each for each in told.decisions[0].nudges if each.nudge == nudge)
        return str(found.prompt_id)

    async def holds(self, *states: int) -> dict[str, int]:
        """The inbox, once it holds prompts in these states."""

        async def listed() -> dict[str, int] | None:
            inbox = await self.person.inbox()
            return {"": 0, **inbox} if sorted(inbox.values()) == sorted(states) else None

        found = await eventually(listed, what=f"the inbox never held {states}")
        return {prompt_id: state for prompt_id, state in found.items() if prompt_id}


@pytest_asyncio.fixture(loop_scope="module")
async def register(worker, replica, identity, log):
    mother = replica.person(new_random_id())
    owners = ("hmrc", "nhs", "social-security-scotland")
    rows = [a_given_row(controller=each) for each in owners]
    identity.sets[mother.subject] = a_set_message(mother.subject, 1, *rows)
    return Register(log, mother)


CHILD_BENEFIT, HEALTHY_START, BEST_START = (
    "family.child-benefit",
    "family.healthy-start",
    "family.best-start-scotland",
)


async def test_a_corrected_date_is_the_same_prompt_and_is_shown(register):
    first = await register.says()
    before = await register.holds(SENT, SENT)
    child_benefit = await register.prompt(first, CHILD_BENEFIT)
    opened = await register.person.open(child_benefit)

    await register.says(reason=FORMAL, occurred=CORRECTED)

    after = await register.holds(SENT, OPENED)
    again = await register.person.open(child_benefit)
    assert set(after) == set(before)
    assert in_words(BORN) in opened.body
    assert in_words(CORRECTED) in again.body


def in_words(day: str) -> str:
    at = datetime.fromisoformat(day)
    return f"{at.day} {at:%B %Y}"


async def test_a_corrected_nation_takes_one_nations_prompt_back_and_offers_the_others(register):
    first = await register.says()
    await register.holds(SENT, SENT)

    later = await register.says(reason=FORMAL, nation="S")

    healthy = await register.prompt(first, HEALTHY_START)
    kept = await register.prompt(first, CHILD_BENEFIT)
    offered = await register.prompt(later, BEST_START)
    assert (await register.why(later))[HEALTHY_START] == ("cancelled", ("not_in_audience",))
    await eventually(lambda: _lists(register.person, offered))
    assert set(await register.holds(SENT, SENT)) == {kept, offered}
    assert await refusal(register.person.open(healthy)) == "prompt_withdrawn"


async def _lists(person: Any, prompt_id: str) -> bool:
    return prompt_id in await person.inbox()


async def refusal(call: Any) -> str | None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason_of(refused.value)


async def test_a_corrected_spelling_changes_nothing(register):
    await register.says()
    before = await register.holds(SENT, SENT)

    later = await register.says(reason=TYPOGRAPHICAL, occurred=CORRECTED)

    assert set((await register.why(later)).values()) == {("suppressed", ("correction_kept",))}
    assert await register.person.inbox() == before


async def test_a_cancelled_entry_is_taken_back_and_a_removed_cancellation_is_a_new_prompt(register):
    first = await register.says()
    await register.holds(SENT, SENT)
    read = await register.prompt(first, CHILD_BENEFIT)
    await register.person.open(read)

    await register.says(reason=CANCELLED)
    assert await register.holds(SUPPRESSED) == {read: SUPPRESSED}
    assert await refusal(register.person.open(read)) == "prompt_withdrawn"

    back = new_random_id()
    await register.says(reason=REMOVED, event_id=back, root_event_id=back)
    renewed = await register.holds(SENT, SENT, SUPPRESSED)
    assert read in renewed
    fresh = await register.prompt(back, CHILD_BENEFIT)
    assert (await register.person.open(fresh)).title


async def test_statements_that_came_out_of_order_bring_what_the_last_of_them_says(register):
    correction = new_random_id()
    register.entry = correction
    await register.says(reason=FORMAL, event_id=correction, occurred=CORRECTED)
    await register.holds(SENT, SENT)

    late = await register.says(event_id=new_random_id(), standing=events_pb2.STANDING_REPLACED)
    again = await register.says(event_id=new_random_id(), standing=events_pb2.STANDING_REPEATED)

    assert set((await register.why(late)).values()) == {("suppressed", ("event_replaced",))}
    assert set((await register.why(again)).values()) == {("suppressed", ("event_repeated",))}
    await register.holds(SENT, SENT)
    prompt = await register.prompt(correction, CHILD_BENEFIT)
    assert in_words(CORRECTED) in (await register.person.open(prompt)).body


async def test_a_cancellation_whose_record_is_read_before_its_entrys_wins(register):
    await register.says(reason=CANCELLED)
    await register.says()
    other = Register(register.log, register.person)
    await other.says()

    inbox = await register.holds(SENT, SENT)

    assert await other.prompt(other.entry, CHILD_BENEFIT) in inbox
    assert await other.prompt(other.entry, HEALTHY_START) in inbox
