"""The town lives: events at a steady rate, each acknowledged, decided, delivered and opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demo.departments import Sent
from demo.devices import Transcript
from demo.evidence import (
    Issued,
    explain_all,
    issued_to,
    latency,
    missing,
    openable_ms,
    owners,
)
from demo.log import DecisionTail
from demo.publishing import Record
from demo.showing.live_table import LiveTable
from demo.showing.steps import Teller
from demo.stage import EVENTS_A_SECOND, PLAY_SECONDS, Stage
from demo.waiting import expect


async def live(stage: Stage, tell: Teller) -> tuple[str, dict[str, float]]:
    """Play, and wait until everything that should have come of it has; says how fast it was."""
    events = stage.script.events(int(EVENTS_A_SECOND * PLAY_SECONDS))
    record = Record()
    async with DecisionTail(stage.endpoints["kafka"], stage.fleet.board.post) as tail:
        table = LiveTable(record, tail, stage.fleet, total=len(events))
        with tell.live(table.draw):
            await stage.departments.publish_all(events, a_second=EVENTS_A_SECOND, record=record)
            issued = await outcome(stage, events, record)
    figures = latency(
        [each.seconds * 1000 for each in record.acked], openable_ms(issued, stage.fleet.transcripts)
    )
    text = (
        f"{len(record.acked)} events acknowledged and decided, {len(issued)} prompts for "
        f"{len(stage.players.listening)} devices, each shown once and opened; "
        f"acknowledged in {figures['ack_p50']:.0f} ms (p99 {figures['ack_p99']:.0f}), "
        f"openable after {figures['openable_p50']:.0f} ms (p99 {figures['openable_p99']:.0f})"
    )
    return text, figures


async def outcome(
    stage: Stage, events: Sequence[Sent], record: Record, *, seconds: float = 60.0
) -> list[Issued]:
    """Wait for every decision and every prompt of these events; raises Unseen.

    Answers the prompts issued to listening people. Whatever else reached a device, nothing may
    have been shown twice, or to somebody else.
    """
    expect(not record.failed, f"events were not taken: {dict(record.failed)}")
    expect(len(record.acked) == len(events), "an event has neither an answer nor an error")
    explained = await explain_all(stage.operator, record.acked, seconds=seconds)
    issued = issued_to(explained, (each.sub for each in stage.players.listening))
    expect(issued, "no prompt was issued to any listening person")
    await stage.fleet.board.until(
        lambda: not missing(issued, stage.fleet.transcripts),
        f"all {len(issued)} prompts opened on their devices",
        seconds=seconds,
    )
    stage.fleet.check()
    nothing_wrong(stage.fleet.transcripts, owners(explained))
    return issued


def nothing_wrong(transcripts: Mapping[str, Transcript], owner_of: Mapping[str, str]) -> None:
    """Raise Unseen if a device showed a prompt twice, or another person's."""
    for me, found in transcripts.items():
        expect(not found.shown_twice(), f"shown twice: {found.shown_twice()[:3]}")
        strangers = [each for each in found.shown if owner_of.get(each, me) != me]
        expect(not strangers, f"shown to another person: {strangers[:3]}")
