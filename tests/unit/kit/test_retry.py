"""Only what may pass is tried again, and not for ever."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.retry import DELAYS, back_off, retry_transient


class Away(Exception):
    """May pass."""


class Broken(Exception):
    """Will not."""


class Flaky:
    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.pauses = []

    async def attempt(self):
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def pause(self, seconds):
        self.pauses.append(seconds)

    async def retried(self):
        return await retry_transient(self.attempt, transient=(Away,), pause=self.pause)


async def test_a_first_success_waits_for_nothing():
    flaky = Flaky("bread")

    assert await flaky.retried() == "bread"
    assert flaky.pauses == []


@given(st.integers(0, len(DELAYS)))
async def test_the_waits_are_the_first_of_the_list(failures):
    flaky = Flaky(*[Away()] * failures, "bread")

    assert await flaky.retried() == "bread"
    assert flaky.pauses == list(DELAYS[:failures])


async def test_the_last_error_is_raised_when_the_waits_are_used_up():
    flaky = Flaky(*[Away()] * (len(DELAYS) + 1))

    with pytest.raises(Away):
        await flaky.retried()

    assert flaky.pauses == list(DELAYS)


async def test_what_can_never_succeed_is_raised_at_once():
    flaky = Flaky(Away(), Broken(), "bread")

    with pytest.raises(Broken):
        await flaky.retried()

    assert len(flaky.pauses) == 1


def test_back_off_doubles_up_to_its_limit():
    assert list(islice(back_off(), 9)) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
