"""The nemesis strikes what it was given, as planned, and leaves nothing frozen."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.history import History
from tests.faults.nemesis import Bounds, Fault, Nemesis, schedule
from tests.faults.operation import Kind, Result
from tests.waiting import eventually

BOUNDS = Bounds(faults=20, seconds=30.0, longest_pause=2.0, longest_freeze=3.0)
PARTS = ["identity", "nudges", "notifications-1"]
LOOP = "import time\nwhile True: time.sleep(0.01)"


class Child:
    """A process of this test, and whether it runs."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-c", LOOP])

    @property
    def pid(self):
        return self.process.pid

    @property
    def stopped(self):
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"


@pytest.fixture
def children():
    started = []

    def start():
        started.append(Child())
        return started[-1]

    yield start
    for child in started:
        child.process.kill()  # a signal to this pid only, and none once it was waited for
        child.process.wait()


@pytest.fixture
def history():
    return History()


@pytest.fixture
def nemesis(history):
    with Nemesis(history) as nemesis:
        yield nemesis


def struck(history):
    return [(each.kind, each.part, each.result) for each in history.operations]


@given(st.integers(), st.permutations(PARTS))
def test_a_seed_is_a_plan(seed, parts):
    assert list(schedule(seed, parts, BOUNDS)) == list(schedule(seed, PARTS, BOUNDS))


def test_another_seed_is_another_plan():
    assert list(schedule(1, PARTS, BOUNDS)) != list(schedule(2, PARTS, BOUNDS))


@given(st.integers())
def test_a_plan_keeps_its_bounds(seed):
    plan = list(schedule(seed, PARTS, BOUNDS))

    assert 0 < len(plan) <= BOUNDS.faults
    free_at = 0.0
    for at, fault in plan:
        assert free_at <= at <= free_at + BOUNDS.longest_pause
        assert 0 <= fault.seconds <= BOUNDS.longest_freeze
        assert fault.part in PARTS
        free_at = at + fault.seconds
    assert free_at <= BOUNDS.seconds


def test_a_plan_may_be_of_one_kind():
    plan = schedule(1, PARTS, BOUNDS, kinds=[Kind.FREEZE])

    assert {fault.kind for _, fault in plan} == {Kind.FREEZE}


def test_a_kill_ends_one_process_and_leaves_the_other(children, nemesis, history):
    victim, bystander = children(), children()
    nemesis.give("identity", victim.pid)
    nemesis.give("nudges", bystander.pid)

    nemesis.kill("identity")

    assert victim.process.wait(5) == -9
    assert bystander.process.poll() is None
    assert struck(history) == [(Kind.KILL, "identity", Result.OK)]


def test_a_frozen_process_goes_on(children, nemesis, history):
    child = children()
    nemesis.give("identity", child.pid)

    with nemesis.frozen("identity"):
        eventually(lambda: child.stopped, 5)

    eventually(lambda: not child.stopped, 5)
    assert struck(history) == [(Kind.FREEZE, "identity", Result.OK)]


def test_a_frozen_process_goes_on_after_an_error(children, nemesis, history):
    child = children()
    nemesis.give("identity", child.pid)

    with pytest.raises(RuntimeError), nemesis.frozen("identity"):
        raise RuntimeError

    eventually(lambda: not child.stopped, 5)
    assert struck(history) == [(Kind.FREEZE, "identity", Result.OK)]


async def test_a_frozen_process_goes_on_when_the_run_is_cancelled(children, nemesis, history):
    child = children()
    nemesis.give("identity", child.pid)
    run = asyncio.create_task(nemesis.run([(0.0, Fault(Kind.FREEZE, "identity", 60.0))]))
    while not child.stopped:  # noqa: ASYNC110 - it is the machine that is asked
        await asyncio.sleep(0.01)

    run.cancel()
    with suppress(asyncio.CancelledError):
        await run

    eventually(lambda: not child.stopped, 5)


def test_a_frozen_process_goes_on_when_its_part_was_given_another(children, nemesis):
    first, second = children(), children()
    nemesis.give("identity", first.pid)

    with nemesis.frozen("identity"):
        eventually(lambda: first.stopped, 5)
        nemesis.give("identity", second.pid)

    eventually(lambda: not first.stopped, 5)
    assert not second.stopped


@pytest.mark.parametrize("part", ["nobody", "ended", "not yet waited for", "killed"])
def test_what_is_not_there_is_not_struck(part, children, nemesis, history):
    gone = {name: children() for name in ("ended", "not yet waited for", "killed")}
    for name, child in gone.items():
        nemesis.give(name, child.pid)
        child.process.kill()
    gone["ended"].process.wait()
    os.waitid(os.P_PID, gone["not yet waited for"].pid, os.WEXITED | os.WNOWAIT)
    nemesis.kill("killed")

    nemesis.kill(part)
    with nemesis.frozen(part):
        pass

    assert struck(history)[1:] == [
        (Kind.KILL, part, Result.FAIL),
        (Kind.FREEZE, part, Result.FAIL),
    ]


async def test_a_plan_is_carried_out_in_its_time(children, nemesis, history):
    first, second = children(), children()
    nemesis.give("identity", first.pid)
    nemesis.give("nudges", second.pid)

    await nemesis.run(
        [(0.05, Fault(Kind.FREEZE, "identity", 0.1)), (0.2, Fault(Kind.KILL, "nudges"))]
    )

    freeze, kill = history.operations
    assert (freeze.part, kill.part) == ("identity", "nudges")
    assert freeze.completed_ns - freeze.invoked_ns >= 0.1e9
    assert kill.invoked_ns - freeze.invoked_ns >= 0.14e9
    assert second.process.wait(5) == -9
    eventually(lambda: not first.stopped, 5)
