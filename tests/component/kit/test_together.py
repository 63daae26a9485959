"""Questions at the same time share one piece of work; who comes alone waits for nobody."""

import asyncio

import pytest

from services.kit.together import Together


class Work:
    """Answers numbers with their double, when it is let."""

    def __init__(self) -> None:
        self.pieces: list[list[int]] = []
        self.go_on = asyncio.Event()
        self.fails = False

    async def __call__(self, questions):
        self.pieces.append(list(questions))
        await self.go_on.wait()
        if self.fails:
            raise ValueError("no answers")
        return [2 * each for each in questions]


async def started(work, pieces):
    while len(work.pieces) < pieces:  # noqa: ASYNC110  # a turn of the loop is the wait
        await asyncio.sleep(0)


async def test_who_comes_alone_is_answered_alone():
    work = Work()
    work.go_on.set()
    together = Together(work, most=10, at_once=1)

    assert await together.ask_all([1]) == [2]
    assert await together.ask_all([2]) == [4]
    assert work.pieces == [[1], [2]]


async def test_who_comes_while_others_are_answered_goes_together_in_order():
    work = Work()
    together = Together(work, most=3, at_once=1)
    asked = [asyncio.create_task(together.ask_all([each])) for each in range(6)]
    await started(work, 1)

    work.go_on.set()

    assert await asyncio.gather(*asked) == [[0], [2], [4], [6], [8], [10]]
    assert work.pieces == [[0], [1, 2, 3], [4, 5]]


async def test_several_questions_at_once_are_answered_in_order():
    work = Work()
    work.go_on.set()

    assert await Together(work, most=2, at_once=2).ask_all([3, 1, 2]) == [6, 2, 4]
    assert work.pieces == [[3, 1], [2]]


async def test_only_so_many_pieces_are_under_way():
    work = Work()
    together = Together(work, most=1, at_once=2)
    asked = [asyncio.create_task(together.ask_all([each])) for each in range(4)]
    await started(work, 2)
    for _ in range(10):
        await asyncio.sleep(0)

    assert work.pieces == [[0], [1]]
    work.go_on.set()
    await asyncio.gather(*asked)


async def test_nobody_waits_behind_a_piece_that_takes_longer_than_the_patience():
    work = Work()
    together = Together(work, most=1, at_once=1, patience_seconds=0.01)
    slow, next_one = (asyncio.create_task(together.ask_all([each])) for each in (1, 2))

    async with asyncio.timeout(5.0):
        await started(work, 2)

    work.go_on.set()
    assert (await slow, await next_one) == ([2], [4])


async def test_what_the_work_raises_is_raised_to_those_who_asked_and_to_nobody_else():
    work = Work()
    work.go_on.set()
    together = Together(work, most=10, at_once=1)
    work.fails = True
    with pytest.raises(ValueError, match="no answers"):
        await together.ask_all([1, 2])

    work.fails = False
    assert await together.ask_all([3]) == [6]


async def test_who_leaves_takes_nobody_along():
    work = Work()
    together = Together(work, most=10, at_once=1)
    leaves, stays = (asyncio.create_task(together.ask_all([each])) for each in (1, 2))
    await started(work, 1)
    leaves.cancel()
    work.go_on.set()

    assert await stays == [4]
    with pytest.raises(asyncio.CancelledError):
        await leaves
    await together.close()
    assert work.pieces == [[1], [2]]


async def test_what_comes_within_the_pace_goes_together_though_the_last_work_is_done():
    work = Work()
    work.go_on.set()
    together = Together(work, most=10, at_once=2, pace_seconds=0.05)

    first = await together.ask_all([1])
    others = await asyncio.gather(*(together.ask_all([each]) for each in (2, 3)))

    assert (first, others) == ([2], [[4], [6]])
    assert work.pieces == [[1], [2, 3]]


async def test_as_many_as_go_together_do_not_wait_for_the_pace():
    work = Work()
    work.go_on.set()
    together = Together(work, most=2, at_once=2, pace_seconds=3600)

    assert await together.ask_all([1]) == [2]
    assert await together.ask_all([2, 3]) == [4, 6]
    assert work.pieces == [[1], [2, 3]]


async def test_a_rest_that_was_cut_short_does_not_shorten_the_next_one(monkeypatch):
    work = Work()
    work.go_on.set()
    together = Together(work, most=2, at_once=2, pace_seconds=1.0)
    loop = asyncio.get_running_loop()
    await together.ask_all([1])
    waits = asyncio.create_task(together.ask_all([2]))
    await asyncio.sleep(0)
    own_time = loop.time
    # Part of the rest is over when another makes the two a full piece.
    monkeypatch.setattr(loop, "time", lambda: own_time() + 0.3)
    await together.ask_all([3])
    began = loop.time()

    await together.ask_all([4])

    assert loop.time() - began > 0.85
    assert await waits == [4]
    assert work.pieces == [[1], [2, 3], [4]]


async def test_closing_does_not_wait_for_the_pace():
    work = Work()
    work.go_on.set()
    together = Together(work, most=2, at_once=2, pace_seconds=3600)
    await together.ask_all([1])
    waits = asyncio.create_task(together.ask_all([2]))
    await asyncio.sleep(0)

    await together.close()

    assert await waits == [4]
