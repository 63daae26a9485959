"""`joinedup listen`: a person's device in a terminal."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from google.protobuf.json_format import MessageToDict

from joinedup.cli.home import Home, here
from joinedup.cli.output import AsJson, AsPerson, describe, emit, run, safe, say
from joinedup.client import (
    ClientError,
    Device,
    DeviceMemory,
    PersonSession,
    Received,
    Refused,
    Unavailable,
)

_UNSAFE: Final = re.compile(r"[^a-z0-9-]+")


class _Labels(NamedTuple):
    worth: str
    by: str
    why: str
    offered: str


_LABELS: Final = {
    "en": _Labels("What it is worth", "By", "Why you see this", "Offered by"),
    "cy": _Labels("Beth yw ei werth", "Erbyn", "Pam rydych yn gweld hwn", "Cynigir gan"),
}


def listen(
    *,
    person: AsPerson,
    count: Annotated[
        int, typer.Option(min=0, help="End after this many prompts; 0 listens until Ctrl-C.")
    ] = 0,
    seconds: Annotated[
        float, typer.Option(min=0, help="End after this long at the latest; 0 has no limit.")
    ] = 0.0,
    language: Annotated[
        str, typer.Option(help="en or cy; the person's own if left out.", metavar="en|cy")
    ] = "",
    sealed: Annotated[
        bool, typer.Option("--sealed", help="Do not open prompts as they come.")
    ] = False,
    memory: Annotated[
        Path | None,
        typer.Option(help="Where the device remembers what it has; by default in JOINEDUP_HOME."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Be a person's device: sign in, listen, show each prompt once, open it.

    Prompts that came while nobody listened are delivered first. With --count and --seconds it
    ends by itself; when the time is up before the count is reached the exit code is 1.

    **Example**: `joinedup listen --as mair --count 1`
    """
    if language not in {"", "en", "cy"}:
        raise typer.BadParameter("en or cy", param_hint="--language")
    home = here()
    path = memory or home.path / "devices" / f"{_UNSAFE.sub('-', person.casefold())}.jsonl"
    listener = _Listener(home, person, path, language, sealed=sealed, as_json=as_json)
    try:
        heard = run(listener.run(count, seconds or None), as_json=as_json)
    finally:
        listener.memory.close()
    if count and heard < count:
        raise typer.Exit(1)


class _Listener:
    def __init__(
        self,
        home: Home,
        person: str,
        path: Path,
        language: str,
        *,
        sealed: bool,
        as_json: bool,
    ) -> None:
        self._home = home
        self._person = person
        self._language = language
        self._sealed = sealed
        self._as_json = as_json
        self._heard = 0
        self.memory = DeviceMemory(path)

    async def run(self, count: int, seconds: float | None) -> int:
        """Listen; returns how many prompts were heard."""
        endpoints = self._home.endpoints()
        sub = self._home.sub_of(self._person)
        identity, provider = endpoints["identity_grpc"], endpoints["sign_in"]
        async with PersonSession(sub, sign_in_url=provider, identity=identity) as session:
            await session.signed_in()
            if not self._as_json:
                say("Listening; Ctrl-C ends.")
            device = Device(
                session,
                notifications=endpoints["notifications_grpc"],
                memory=self.memory,
                on_withdrawn=self._withdrawn,
                on_trouble=self._trouble,
            )
            async with device:
                try:
                    async with asyncio.timeout(seconds):
                        await self._hear(device, count)
                except TimeoutError:
                    pass
        return self._heard

    async def _hear(self, device: Device, count: int) -> None:
        async for received in device.prompts():
            self._heard += 1
            if self._sealed:
                self._show(received, {})
            else:
                await self._open(device, received)
            if count and self._heard >= count:
                return

    async def _open(self, device: Device, received: Received) -> None:
        try:
            opened = await device.open(received, language=self._language)
        except (Refused, Unavailable) as failed:
            self._show(received, {"error": describe(failed)})
            return
        self._show(received, MessageToDict(opened, preserving_proto_field_name=True))

    def _show(self, received: Received, opened: dict[str, Any]) -> None:
        if self._as_json:
            emit({"prompt_id": received.prompt_id, "line": received.line, **opened})
            return
        say(f"\n[bold]{safe(received.line)}[/bold]  ({received.prompt_id})")
        if "error" in opened:
            say(f"  not opened: {safe(opened['error']['code'])}")
        elif opened:
            for line in in_words(opened):
                say(f"  {line}")

    def _withdrawn(self, prompt_id: str) -> None:
        if self._as_json:
            emit({"prompt_id": prompt_id, "withdrawn": True})
        elif self.memory.seen(prompt_id):
            say(f"\n[yellow]taken back[/yellow]: {safe(prompt_id)} is no longer for you to see")

    def _trouble(self, trouble: ClientError) -> None:
        if not self._as_json:
            say(f"[yellow]reconnecting[/yellow]: {safe(trouble)}")


def in_words(opened: dict[str, Any]) -> list[str]:
    """An opened prompt as a person reads it, with its why, in the prompt's own language."""
    labels = _LABELS.get(opened.get("language", ""), _LABELS["en"])
    why = opened.get("why", {})
    lines = [f"[bold]{safe(opened.get('title', ''))}[/bold]", safe(opened.get("body", ""))]
    if opened.get("value"):
        lines.append(f"{labels.worth}: {safe(opened['value'])}")
    if opened.get("deadline"):
        lines.append(f"{labels.by}: {safe(opened['deadline'])}")
    lines.append(safe(opened.get("link", "")))
    lines.append(f"[bold]{labels.why}[/bold]: {safe(why.get('rule', ''))}")
    lines.extend(
        f"  {safe(fact.get('label', ''))}: {safe(fact.get('value', ''))}"
        f" ({safe(fact.get('source', ''))}, {safe(fact.get('date', ''))})"
        for fact in why.get("facts", ())
    )
    if why.get("controller_name"):
        lines.append(f"{labels.offered} {safe(why['controller_name'])}.")
    lines.append(safe(why.get("how_to_object", "")))
    said = [line for line in lines if line]
    for part in opened.get("parts", ()):
        said += ["", *in_words(part)]
    return said
