"""`joinedup people`: add people to a platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from joinedup.cli.home import Home, Problem, here
from joinedup.cli.output import AsJson, emit, progress, run, safe, say
from joinedup.cli.registering import Registered, add_accounts, read_person, register
from joinedup.identity.v1.subjects_pb2 import RegisterRequest

app = typer.Typer(no_args_is_help=True, help="Add people: who they are, and how they sign in.")


@app.callback()
def _group() -> None:
    """Add people: who they are, and how they sign in."""


@app.command()
def add(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="JSON lines."),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Register people from JSON lines, one person a line.

    A line holds **sub** (sign-in name), name {given, family}, birth_date, postcode, sex,
    identifiers (scheme, value), language (en or cy) and nation (E, W, S or NI). Who is known
    already is found again, so a file may be added twice. A local sign-in provider gets their
    accounts too.

    **Example**: `joinedup people add people.jsonl`
    """
    results = run(_add(here(), files), as_json=as_json)
    failed = [each for each in results if each.error]
    known = sum(each.existing for each in results)
    if as_json:
        emit(
            {
                "registered": len(results) - len(failed),
                "existing": known,
                "failed": [{"sub": each.sub, "error": each.error} for each in failed],
            }
        )
    else:
        for each in failed:
            say(f"[red]not registered[/red] {safe(each.sub)}: {safe(each.error)}")
        say(f"{len(results) - len(failed)} people registered, {known} of them known before")
    if failed:
        raise typer.Exit(1)


async def _add(home: Home, files: list[Path]) -> list[Registered]:
    people = [person for path in files for person in _read(path)]
    with progress("registering", len(people)) as advance:
        results = await register(home, people, advance)
    await add_accounts(home, people)
    return results


def _read(path: Path) -> Iterator[RegisterRequest]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            found = json.loads(line)
        except ValueError:
            raise Problem("json_invalid", f"{place} is not JSON", "one person a line") from None
        yield read_person(place, found)
