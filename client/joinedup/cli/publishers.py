"""`joinedup publishers`: onboarding, rotating keys, off-boarding, and what the register says."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from joinedup.cli import publisher_checks, publisher_steps, publisher_words
from joinedup.cli.home import catalogue as the_catalogue
from joinedup.cli.home import here
from joinedup.cli.output import AsJson, emit, run, safe, say, table
from joinedup.cli.publisher_register import EVERY_TYPE, Register, Wanted
from joinedup.cli.publisher_steps import Place

app = typer.Typer(
    no_args_is_help=True,
    help="Publishers: make one, rotate its keys, suspend it, and see whether all is well.",
)

_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_SOURCE = re.compile(r"urn:[a-z0-9:-]+")
_LENGTH = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _known_form(text: str) -> str:
    if not _ID.fullmatch(text):
        raise typer.BadParameter("small letters, digits and dashes, a letter first; at most 63")
    return text


def _length(text: str) -> timedelta:
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise typer.BadParameter("a number and a unit: 45s, 30m, 12h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _source(text: str) -> str:
    if text and not _SOURCE.fullmatch(text):
        raise typer.BadParameter("a URN in small letters, such as urn:uk:council-tax:leeds")
    return text


Id = Annotated[
    str, typer.Argument(metavar="ID", callback=_known_form, help="The publisher, e.g. gro.")
]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="All when left out.")]
Catalogue = Annotated[
    Path | None,
    typer.Option(
        "--catalogue",
        envvar="JOINEDUP_CATALOGUE",
        metavar="DIR",
        help="The catalogue that holds the register; the repository's own when left out.",
    ),
]
Wait = Annotated[
    float,
    typer.Option(min=0, help="Seconds for the running service to read the change; 0: do not wait."),
]


@app.callback()
def _group() -> None:
    """Publishers: make one, rotate its keys, suspend it, and see whether all is well."""


@app.command()
def new(
    publisher: Id,
    *,
    name: Annotated[str, typer.Option(help="What people read, in English.")] = "",
    name_cy: Annotated[str, typer.Option("--name-cy", help="The same in Welsh.")] = "",
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--type", metavar="TYPE", help="May publish it; once for each. All by default."
        ),
    ] = None,
    source: Annotated[
        str,
        typer.Option(callback=_source, metavar="URN", help="The system it speaks for."),
    ] = "",
    live: Annotated[
        bool, typer.Option("--live", help="Not in a sandbox; needs --type and --source.")
    ] = False,
    catalogue: Catalogue = None,
    wait: Wait = 15.0,
    as_json: AsJson = False,
) -> None:
    """Make a publisher: keys, an entry in the register, an example, and a test of it.

    Its events stay in a sandbox unless it is made with --live. The private key is readable by its
    owner alone and never written where git would take it along. Where a platform is running, this
    returns once that believes the key.

    **Example**: `joinedup publishers new council-swansea --name "Swansea Council"`
    """
    if live and not (types and source):
        raise typer.BadParameter("a live publisher needs --type and --source", param_hint="--live")
    if live and types and EVERY_TYPE in types:
        raise typer.BadParameter("only a sandbox may publish every type", param_hint="--type")
    shown = name or publisher.replace("-", " ").capitalize()
    wanted = Wanted(
        id=publisher,
        en=shown,
        cy=name_cy or shown,
        source=source or f"urn:uk:sandbox:{publisher}",
        types=types or [EVERY_TYPE],
        live=live,
    )
    _tell(
        publisher_steps.onboard(_place(catalogue, wait), wanted),
        publisher_words.told_of_new,
        as_json=as_json,
    )


@app.command()
def rotate(
    publisher: Id,
    *,
    overlap: Annotated[
        str,
        typer.Option(metavar="LENGTH", help="How long the keys before it count: 45s, 12h, 7d."),
    ] = "7d",
    catalogue: Catalogue = None,
    wait: Wait = 15.0,
    as_json: AsJson = False,
) -> None:
    """Let a new key follow the one there is; tokens of both count until the overlap is over.

    The new private key takes the old one's place; the old one is kept beside it, under its key's
    id, until the next rotation after its end. After a leak: `suspend`, `rotate --overlap 0s`,
    `resume`.

    **Example**: `joinedup publishers rotate council-swansea --overlap 7d`
    """
    place, length = _place(catalogue, wait), _length(overlap)
    _tell(
        publisher_steps.rotate(place, publisher, length),
        publisher_words.told_of_key,
        as_json=as_json,
    )


@app.command()
def suspend(
    publisher: Id, *, catalogue: Catalogue = None, wait: Wait = 15.0, as_json: AsJson = False
) -> None:
    """Off-board: nothing of the publisher is believed any more, from now on.

    **Example**: `joinedup publishers suspend council-swansea`
    """
    work = publisher_steps.suspend(_place(catalogue, wait), publisher)
    _tell(work, publisher_words.told_of_belief, as_json=as_json)


@app.command()
def resume(
    publisher: Id, *, catalogue: Catalogue = None, wait: Wait = 15.0, as_json: AsJson = False
) -> None:
    """Take a suspension back.

    **Example**: `joinedup publishers resume council-swansea`
    """
    work = publisher_steps.resume(_place(catalogue, wait), publisher)
    _tell(work, publisher_words.told_of_belief, as_json=as_json)


@app.command("list")
def list_(*, catalogue: Catalogue = None, as_json: AsJson = False) -> None:
    """List the register: who publishes, in a sandbox or live, and by which keys.

    **Example**: `joinedup publishers list`
    """
    register, now = _place(catalogue, 0).register, datetime.now(UTC)

    async def read() -> list[dict[str, Any]]:
        entries = [register.entry(each) for each in register.ids()]
        return [publisher_checks.described(here(), each, now) for each in entries]

    found = run(read(), as_json=as_json)
    if as_json:
        emit({"publishers": found})
        return
    table(("publisher", "", "sources", "keys in force"), map(publisher_words.row, found))


@app.command()
def show(publisher: Id, *, catalogue: Catalogue = None, as_json: AsJson = False) -> None:
    """Show one publisher: what it may send, and each of its keys.

    **Example**: `joinedup publishers show gro`
    """
    register, now = _place(catalogue, 0).register, datetime.now(UTC)

    async def read() -> dict[str, Any]:
        return publisher_checks.described(here(), register.entry(publisher), now)

    found = run(read(), as_json=as_json)
    if as_json:
        emit(found)
        return
    say(f"[bold]{safe(publisher)}[/bold] {publisher_words.kind(found)}")
    say(f"  sources: {safe(', '.join(found['sources']))}")
    say(f"  types: {safe(', '.join(found['types']))}")
    say("  limits: {events_per_second} events a second, {burst} at once".format(**found["limits"]))
    for key in found["keys"]:
        say(f"  key: {safe(publisher_words.key(key))}")


@app.command()
def check(publishers: Ids = None, *, catalogue: Catalogue = None, as_json: AsJson = False) -> None:
    """Say whether the register, its types and its keys are as they should be, and what to do.

    **Example**: `joinedup publishers check`
    """
    work = publisher_checks.examine(here(), _place(catalogue, 0).register, publishers or [])
    findings = run(work, as_json=as_json)
    good = all(each.good for each in findings)
    if as_json:
        emit({"healthy": good, "findings": [each.document() for each in findings]})
    else:
        for each in findings:
            mark = "[green]✓[/green]" if each.good else "[red]✗[/red]"
            say(f"{mark} {safe(each.name)}: {safe(each.seen)}")
            if not each.good:
                say(f"    [bold]To do:[/bold] {safe(each.fix)}")
    if not good:
        raise typer.Exit(1)


def _place(catalogue: Path | None, wait: float) -> Place:
    return Place(here(), Register((catalogue or the_catalogue()).absolute()), wait)


def _tell(
    work: Coroutine[Any, Any, dict[str, Any]],
    in_words: Callable[[Mapping[str, Any]], None],
    *,
    as_json: bool,
) -> None:
    done = run(work, as_json=as_json)
    if as_json:
        emit(done)
    else:
        in_words(done)
