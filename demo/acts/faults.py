"""In the middle of the play, first the deciders and then the log itself are killed."""

from __future__ import annotations

import asyncio
from typing import Final

from demo.acts.play import outcome
from demo.publishing import Record
from demo.stage import EVENTS_A_SECOND, Stage
from demo.waiting import expect, seen

PLAY_SECONDS: Final = 24.0
_READY_SECONDS: Final = 90.0
_CATCH_UP_SECONDS: Final = 180.0


async def killed_in_mid_play(stage: Stage) -> str:
    """Kill nudges, then Kafka (-9); nothing is lost and nothing is shown twice."""
    events = stage.script.events(int(EVENTS_A_SECOND * PLAY_SECONDS))
    record = Record()
    publishing = asyncio.create_task(
        stage.departments.publish_all(
            events, a_second=EVENTS_A_SECOND, record=record, told=stage.fleet.board.post
        )
    )
    try:
        await _when_acked(stage, record, len(events) // 5)
        nudges = await _kill(stage, "nudges")
        await _when_acked(stage, record, len(events) // 2)
        kafka = await _kill(stage, "kafka")
        await publishing
    finally:
        publishing.cancel()
    issued = await outcome(stage, events, record, seconds=_CATCH_UP_SECONDS)
    await seen(stage.lag.none, "no lag", seconds=_CATCH_UP_SECONDS)
    repeats = sum(len(each.frames) - len(each.shown) for each in stage.fleet.transcripts.values())
    return (
        f"nudges ready again {nudges:.1f} s after its kill, Kafka {kafka:.1f} s; "
        f"{len(record.acked)} events acknowledged, every one decided, {len(issued)} prompts shown "
        f"once each ({repeats} frames came again and were not shown)"
    )


async def _when_acked(stage: Stage, record: Record, count: int) -> None:
    await stage.fleet.board.until(
        lambda: len(record.acked) >= count, f"{count} events acknowledged", seconds=60
    )


async def _kill(stage: Stage, name: str) -> float:
    before = await asyncio.to_thread(stage.platform.restart_count, name)
    await asyncio.to_thread(stage.platform.kill, name)
    seconds = await asyncio.to_thread(stage.platform.wait_ready, name, _READY_SECONDS)
    after = await asyncio.to_thread(stage.platform.restart_count, name)
    expect(after > before, f"the supervisor did not start {name} again")
    return seconds
