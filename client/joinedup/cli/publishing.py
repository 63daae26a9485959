"""`joinedup publish` and `joinedup event`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from joinedup.cli.home import Home, Problem, here
from joinedup.cli.output import AsJson, describe, emit, progress, run, safe, say
from joinedup.client import AsyncPublisher, Refused, Unavailable

_NOT_FOUND: Final = 404
PublisherOption = Annotated[
    str,
    typer.Option(
        "--publisher",
        envvar="JOINEDUP_PUBLISHER",
        metavar="ID",
        help="Publish as this department, e.g. gro; found from the event's source if left out.",
    ),
]


@dataclass(frozen=True, slots=True)
class _Item:
    place: str
    """File, and line where there are several."""
    event: dict[str, Any]
    publisher: str


def publish(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="JSON (one event) or JSON lines (one event a line); - is stdin."
        ),
    ],
    *,
    publisher: PublisherOption = "",
    parallel: Annotated[
        int,
        typer.Option(min=1, max=64, help="Events under way at once; 1 keeps the files' order."),
    ] = 1,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds to keep trying when the platform is away.")
    ] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Publish life events from files.

    The events are sent as CloudEvents over HTTP, signed with the department's key from
    JOINEDUP_HOME/keys/publishers. Sending a file again does no harm: the same id and content
    answer as a duplicate.

    **Example**: `joinedup publish demo/examples/birth.json`
    """
    for path in files:
        if str(path) != "-" and not path.is_file():
            raise typer.BadParameter(f"there is no file {path}", param_hint="FILE")
    work = _publish(
        here(),
        files,
        publisher=publisher,
        parallel=parallel,
        patience=patience,
        as_json=as_json,
    )
    done = run(work, as_json=as_json)
    if not done:
        raise typer.Exit(1)


def event(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The platform's event id.")],
    *,
    publisher: PublisherOption = "",
    as_json: AsJson = False,
) -> None:
    """Show how far an event of one's own has come: admitted, on the log, decided.

    A department never reads about whom, or anything later than that.

    **Example**: `joinedup event k3v7q2m5x4w6n8p9r2t4y6z7ab`
    """
    document = run(progress_of(here(), event_id, publisher), as_json=as_json)
    if as_json:
        emit(document)
        return
    for name, value in document.items():
        say(f"[bold]{safe(name)}[/bold]: {safe(value)}")


async def progress_of(home: Home, event_id: str, publisher: str = "") -> dict[str, Any]:
    """Ask as the given publisher, else as each whose key is here until one owns the event."""
    url = home.endpoints()["events_http"]
    for each in (publisher,) if publisher else home.publishers():
        async with AsyncPublisher(each, key=home.publisher_key(each), url=url) as caller:
            try:
                return dict((await caller.progress(event_id)).document)
            except Refused as refused:
                if refused.status != _NOT_FOUND:
                    raise
    raise Problem(
        "event_unknown",
        "no publisher whose key is here has published an event with this id",
        "an event id is what `joinedup publish` answered; name its department with --publisher",
    )


async def _publish(
    home: Home,
    files: list[Path],
    *,
    publisher: str,
    parallel: int,
    patience: float,
    as_json: bool,
) -> bool:
    url = home.endpoints()["events_http"]
    items = [
        _Item(place, event, publisher or home.publisher_for(event))
        for path in files
        for place, event in read_events(path)
    ]
    callers = {
        each: AsyncPublisher(each, key=home.publisher_key(each), url=url, patience_seconds=patience)
        for each in {item.publisher for item in items}
    }
    slots = asyncio.Semaphore(parallel)
    with progress("publishing", len(items)) as advance:

        async def one(item: _Item) -> bool:
            async with slots:
                accepted = await _one(callers[item.publisher], item, as_json=as_json)
                advance()
                return accepted

        try:
            accepted = await asyncio.gather(*(one(item) for item in items))
        finally:
            await asyncio.gather(*(caller.close() for caller in callers.values()))
    return all(accepted)


async def _one(caller: AsyncPublisher, item: _Item, *, as_json: bool) -> bool:
    about = {"file": item.place, "id": item.event.get("id"), "publisher": item.publisher}
    try:
        receipt = await caller.publish(item.event)
    except (Refused, Unavailable) as failed:
        described = describe(failed)
        if as_json:
            emit({**about, "error": described})
        else:
            say(f"[red]not accepted[/red] {safe(item.place)}: {safe(_in_words(described))}")
        return False
    if as_json:
        emit(
            {
                **about,
                "event_id": receipt.event_id,
                "status": receipt.status_url,
                "duplicate": receipt.duplicate,
            }
        )
    else:
        known = " (the platform had it already)" if receipt.duplicate else ""
        say(f"[green]accepted[/green] {safe(item.place)} as [bold]{receipt.event_id}[/bold]{known}")
        if sys.stdout.isatty():
            say(f"  its whole path: joinedup why {receipt.event_id}")
    return True


def read_events(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a file, each with its place; raises Problem for what is not one."""
    text = sys.stdin.read() if str(path) == "-" else _text(path)
    try:
        whole = json.loads(text)
    except ValueError:
        yield from _lines(path, text)
        return
    for number, each in enumerate(whole if isinstance(whole, list) else [whole], start=1):
        place = f"{path}[{number}]" if isinstance(whole, list) else str(path)
        yield place, _event(place, each)


def _lines(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            found = json.loads(line)
        except ValueError as wrong:
            column = getattr(wrong, "colno", 1)
            raise Problem(
                "json_invalid",
                f"{place}:{column} is not JSON",
                "a file holds one JSON event, or one JSON event a line",
            ) from None
        yield place, _event(place, found)


def _event(place: str, found: object) -> dict[str, Any]:
    if isinstance(found, dict):
        return found
    raise Problem("json_not_an_event", f"{place} is not a JSON object", "an event is an object")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise Problem("file_unreadable", f"{path}: {type(wrong).__name__}", "check it") from None


def _in_words(described: dict[str, Any]) -> str:
    faults = "; ".join(f"{e['pointer']} {e['code']}" for e in described.get("errors", ()))
    return f"{described['code']}: {described['detail']}" + (f" ({faults})" if faults else "")
