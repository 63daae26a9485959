"""What every command shares: --json, clear errors with their cure, exit codes, progress."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from joinedup.cli.home import Problem
from joinedup.client.errors import ClientError, Refused

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
AsPerson = Annotated[
    str,
    typer.Option(
        "--as", metavar="PERSON", help="Who is meant: a sign-in name, or a name of somebody added."
    ),
]

T = TypeVar("T")

_WIDE = 200
_FAILED = 1


def console() -> Console:
    """The terminal; in a pipe, lines are as long as they are."""
    return Console() if sys.stdout.isatty() else Console(width=_WIDE)


def say(text: str) -> None:
    """A line for a person; rich markup is understood, so escape what others wrote."""
    console().print(text, soft_wrap=True, highlight=False)


def safe(text: object) -> str:
    """Text that others wrote, without the power of markup or of terminal control."""
    printable = "".join(each for each in str(text) if each.isprintable() or each == "\n")
    return escape(printable)


def emit(document: Any) -> None:
    """A JSON document, on one line when it goes into a pipe."""
    indent = 2 if sys.stdout.isatty() else None
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=indent) + "\n")
    sys.stdout.flush()


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table for a person; every cell is shown as it is."""
    shown = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    for row in rows:
        shown.add_row(*(safe(cell) for cell in row))
    console().print(shown, highlight=False)


def run(work: Coroutine[Any, Any, T], *, as_json: bool) -> T:
    """Do the work; what it raises becomes an error that says what to do, and exit code 1."""
    try:
        return asyncio.run(work)
    except (ClientError, Problem) as failed:
        raise fail(failed, as_json=as_json) from failed
    except KeyboardInterrupt:
        raise typer.Exit(_FAILED) from None


def fail(failed: ClientError | Problem, *, as_json: bool) -> typer.Exit:
    """Tell an error; returns the exit to raise."""
    described = describe(failed)
    if as_json:
        emit({"error": described})
        return typer.Exit(_FAILED)
    err = Console(stderr=True)
    err.print(f"[red]{safe(described['code'])}[/red]: {safe(described['detail'])}", soft_wrap=True)
    for each in described.get("errors", ()):
        err.print(f"  at {safe(each['pointer'])}: {safe(each['code'])} {safe(each['detail'])}")
    if described.get("fix"):
        err.print(f"[bold]To do:[/bold] {safe(described['fix'])}", soft_wrap=True)
    return typer.Exit(_FAILED)


def describe(failed: ClientError | Problem) -> dict[str, Any]:
    """An error as data: code, detail, faults where they are, and the cure where one is known."""
    if isinstance(failed, Problem):
        return {"code": failed.code, "detail": failed.detail, "fix": failed.fix}
    if isinstance(failed, Refused):
        faults = [
            {"pointer": each.pointer, "code": each.code, "detail": each.detail}
            for each in failed.errors
        ]
        fix = _CURES.get(failed.code, "")
        found = {"code": failed.code, "detail": failed.detail, "errors": faults, "fix": fix}
        return {**found, "trace_id": failed.trace_id} if failed.trace_id else found
    fix = "is the platform up? `make status` tells; `make up` starts it; then run this again"
    return {"code": failed.code, "detail": str(failed), "fix": fix}


@contextmanager
def progress(text: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, for more than one step; nothing in a pipe. Call it once a step."""
    err = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal or total < 2,  # noqa: PLR2004  # one step needs no bar
    )
    with bar:
        task = bar.add_task(text, total=total)
        yield lambda: bar.advance(task)


_CURES: Mapping[str, str] = {
    "basis_not_yours": "leave it out; the type's entry in catalogue/events/ says the lawful basis",
    "event_type_unknown": "see the types at GET /v1/event-types",
    "idempotency_mismatch": "this id was used for other content; a new event needs a new id",
    "scope_denied": "this publisher may not send that type; see catalogue/publishers/",
    "person_unknown": "no person has this sign-in name; add them with `joinedup people add FILE`",
    "offer_unknown": "`joinedup permissions list --as PERSON` shows what may be permitted",
    "token_key": "the platform does not know this key; `make up` makes the demo's keys",
}
