"""The whole play in order: for an audience, or step by step for a result file."""

from __future__ import annotations

import asyncio
import platform as machine
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from importlib import metadata
from typing import Any, Final

from rich.console import Console

from demo.acts import birth, faults, opening, play, portal, silence, withdrawal
from demo.showing.steps import Checker, Narrator, Stopped, Teller
from demo.stage import Stage, open_stage
from deploy.local.platform import Platform
from deploy.local.running.display import OnTerminal
from deploy.local.settings import ROOT, from_environment

RESULT: Final = ROOT / "build" / "demo.json"
_LIBRARIES: Final = ("faust-streaming", "kafka-python", "aiokafka", "grpcio", "protobuf", "fastapi")
_SERVERS: Final = {"postgresql": ("postgres", "--version"), "redis": ("redis-server", "--version")}
_NAMES_SHOWN: Final = 4


async def check(console: Console, seed: int, people: int) -> bool:
    """Assert each step, stop everything, write the result file; True when all was seen."""
    tell = Checker(console)
    figures: dict[str, Any] = {"events": 0, "prompts": 0, "latency_ms": {}, "versions": versions()}
    try:
        platform = await _up(tell, console)
        try:
            async with open_stage(platform, seed=seed, size=people) as stage:
                try:
                    await _steps(stage, tell, figures)
                finally:
                    figures["events"] = stage.departments.taken
                    figures["prompts"] = stage.fleet.count("opened")
        finally:
            await tell.step("everything stopped", _down(platform))
    except Stopped as stopped:
        console.print(f"not seen: {stopped}; logs: {from_environment().home / 'logs'}", style="red")
    finally:
        passed = tell.write(RESULT, figures)
    console.print(f"{'all seen' if passed else 'NOT all seen'}; {RESULT.relative_to(ROOT)}")
    return passed


async def show(console: Console, seed: int, people: int) -> bool:
    """Play for an audience and stay until Ctrl-C; everything is stopped at the end."""
    tell = Narrator(console)
    platform = await _up(tell, console)
    try:
        async with open_stage(platform, seed=seed, size=people) as stage:
            await _opening(stage, tell)
            tell.say("")
            text, _ = await play.live(stage, tell)
            tell.say(text)
            await birth.step_by_step(stage, tell)
            await tell.step("the no holds", _withdrawal(stage, tell))
            await tell.step("what must not arrive", _silences(stage, tell))
            _addresses(stage, tell)
            await asyncio.Event().wait()
    except Stopped:
        return False
    finally:
        console.print("stopping everything …")
        await _down(platform)
    return True


async def _steps(stage: Stage, tell: Checker, figures: dict[str, Any]) -> None:
    await _opening(stage, tell)

    async def lived() -> str:
        text, figures["latency_ms"] = await play.live(stage, tell)
        return text

    await tell.step("play delivered and opened everything expected", lived())
    await tell.step("one birth, step by step", birth.step_by_step(stage, tell))
    await tell.step("one trace over all services and the device", birth.one_trace(stage))
    await tell.step("same event again", birth.same_again(stage))
    await tell.step("bad event refused", birth.refused(stage))
    await tell.step("portal in two languages", portal.visit(stage))
    await tell.step("withdrawal took effect", withdrawal.withdraw(stage, tell))
    await tell.step("withdrawal holds", withdrawal.it_holds(stage))
    await tell.step("a baby dies", silence.a_baby_dies(stage, tell))
    await tell.step("a death entered in error", silence.somebody_dies(stage, tell))
    await tell.step("nudges and Kafka killed in mid-play", faults.killed_in_mid_play(stage))


async def _opening(stage: Stage, tell: Teller) -> None:
    await tell.step("town registered", opening.register_town(stage))
    await tell.step("people chose", opening.give_permissions(stage))
    await tell.step("devices listen", opening.switch_devices_on(stage))


async def _withdrawal(stage: Stage, tell: Teller) -> str:
    await withdrawal.withdraw(stage, tell)
    return await withdrawal.one_more_birth(stage, tell)


async def _silences(stage: Stage, tell: Teller) -> str:
    return "; ".join(
        [await silence.a_baby_dies(stage, tell), await silence.somebody_dies(stage, tell)]
    )


async def _up(tell: Teller, console: Console) -> Platform:
    box: list[Platform] = []

    async def up() -> str:
        began = time.monotonic()
        with OnTerminal(console) as progress:
            box.append(await _start(progress))
        return f"{len(box[0].names)} processes ready in {time.monotonic() - began:.1f} s"

    await tell.step("platform up", up())
    return box[0]


async def _start(progress: OnTerminal) -> Platform:
    # A thread cannot be interrupted: a Ctrl-C meanwhile waits for it, and ends what it started.
    starting = asyncio.ensure_future(asyncio.to_thread(Platform.start, progress=progress))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _down(await starting)
        raise


async def _down(platform: Platform) -> str:
    await asyncio.to_thread(platform.stop)
    return "every process ended, every port free"


def _addresses(stage: Stage, tell: Teller) -> None:
    places = stage.endpoints
    players = (*stage.players.listening[:_NAMES_SHOWN], *stage.players.known[:_NAMES_SHOWN])
    names = ", ".join(each.sub for each in players)
    tell.say("\n[bold]It all still runs.[/bold] Look around:\n")
    tell.say(f"  the portal           {places['portal']}   sign in as: {names}")
    tell.say(f"  traces               {places['traces']}/zipkin/")
    tell.say(f"  events API           {places['events_http']}/openapi.json")
    tell.say(f"  its event types      {places['events_http']}/v1/event-types")
    tell.say("\nIn another terminal:\n")
    tell.say("  .venv/bin/joinedup publish demo/examples/birth.json")
    tell.say("  .venv/bin/joinedup listen --as mair")
    tell.say(f"  .venv/bin/joinedup why {stage.told().receipt.event_id}")
    tell.say("\nCtrl-C stops everything.")


def versions() -> dict[str, str]:
    """What it all ran on."""
    found = {"python": machine.python_version()}
    for name in _LIBRARIES:
        found[name] = metadata.version(name)
    pom = ET.parse(ROOT / "deploy" / "local" / "kafka" / "pom.xml")  # noqa: S314  # our own file
    for element in pom.findall(".//{*}kafka.version"):
        found["kafka"] = element.text or ""
    for name, command in _SERVERS.items():
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            found[name] = done.stdout.strip()
    return found
