"""`joinedup publish` and `joinedup event`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from joinedup.cli.files.answered import Teller
from joinedup.cli.files.bar import Bar
from joinedup.cli.files.dry_run import DryRun
from joinedup.cli.files.publishing import Ways, publish_files
from joinedup.cli.files.resume import ResumeFile
from joinedup.cli.files.sending import ToPlatform
from joinedup.cli.files.source_file import STDIN, SourceFile
from joinedup.cli.home import Home, Problem, here
from joinedup.cli.output import AsJson, emit, fail, run, safe, say
from joinedup.client import AsyncPublisher, Refused
from services.kit.catalogue import CatalogueInvalid

_NOT_FOUND: Final = 404
_BAD_USAGE: Final = 2
PublisherOption = Annotated[
    str,
    typer.Option(
        "--publisher",
        envvar="JOINEDUP_PUBLISHER",
        metavar="ID",
        help="Publish as this department, e.g. gro; found from the event's source if left out.",
    ),
]


FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE",
        help="JSON (one event, or an array), JSON lines (one event a line), or CSV with a mapping; "
        "- is stdin.",
    ),
]


MappingOption = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        metavar="YAML",
        exists=True,
        dir_okay=False,
        help="How the rows of CSV become events; births.mapping.yaml beside births.csv if left "
        "out.",
    ),
]
BatchOption = Annotated[
    int, typer.Option("--batch", min=1, max=500, help="Events that are sent together.")
]
ParallelOption = Annotated[
    int,
    typer.Option("--parallel", min=1, max=64, help="Batches at once; 1 keeps them in order."),
]
PatienceOption = Annotated[
    float,
    typer.Option("--patience", min=0, help="Seconds to keep trying when the platform is away."),
]
RestartOption = Annotated[
    bool, typer.Option("--restart", help="Begin at the beginning, not where a run was left.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Check against the types' schemas, and send nothing.")
]


def publish(
    files: FilesArgument,
    *,
    publisher: PublisherOption = "",
    mapping: MappingOption = None,
    batch: BatchOption = 200,
    parallel: ParallelOption = 4,
    patience: PatienceOption = 30.0,
    restart: RestartOption = False,
    dry_run: DryRunOption = False,
    as_json: AsJson = False,
) -> None:
    """Publish life events from files of any size.

    The events are sent as CloudEvents over HTTP, signed with the department's key from
    JOINEDUP_HOME/keys/publishers. Sending a file again does no harm: the same id and content
    answer as a duplicate.

    A run that is interrupted goes on where it was left when the same command is given again
    (FILE.resume). What is refused is written to FILE.refused.jsonl, or FILE.refused.csv, to be
    mended there and published.

    **Example**: `joinedup publish demo/examples/birth.json`
    """
    for path in files:
        if str(path) != STDIN and not path.is_file():
            raise typer.BadParameter(f"there is no file {path}", param_hint="FILE")
    with ExitStack() as open_files:
        try:
            home = here()
            sources = [open_files.enter_context(SourceFile(path, mapping)) for path in files]
            sender = DryRun(home, publisher) if dry_run else ToPlatform(home, publisher, patience)
        except CatalogueInvalid as invalid:
            raise _mapping_invalid(invalid, as_json=as_json) from invalid
        except Problem as problem:
            raise fail(problem, as_json=as_json) from problem
        resumes = [] if dry_run else _resumes(sources, home, publisher, restart=restart)
        with Bar(sum(each.size for each in sources)) as bar:
            ways = Ways(sender, Teller(as_json=as_json), bar, batch, parallel)
            good = run(publish_files(sources, ways, resumes), as_json=as_json)
    if not good:
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
    simulated = document.pop("simulated", [])
    document |= {f"simulated {each['role']}": each["outcome"] for each in simulated}
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
                # A key that is here need not be in force: its publisher may be suspended.
                if refused.status != _NOT_FOUND and (publisher or refused.code != "token_key"):
                    raise
    raise Problem(
        "event_unknown",
        "no publisher whose key is here has published an event with this id",
        "an event id is what `joinedup publish` answered; name its department with --publisher",
    )


def _resumes(
    sources: list[SourceFile], home: Home, publisher: str, *, restart: bool
) -> list[ResumeFile | None]:
    found = [each.resume_file(publisher, str(home.path.resolve())) for each in sources]
    for each in found if restart else ():
        if each is not None:
            each.remove()
    return found


def _mapping_invalid(invalid: CatalogueInvalid, *, as_json: bool) -> typer.Exit:
    if as_json:
        detail = "the mapping cannot be used; each error says where"
        errors = [
            {
                "place": f"{each.file}:{each.line}:{each.column}",
                "code": each.code,
                "detail": each.message,
            }
            for each in invalid.problems
        ]
        emit({"error": {"code": "mapping_invalid", "detail": detail, "errors": errors}})
    else:
        err = Console(stderr=True)
        for each in invalid.problems:
            err.print(safe(each), soft_wrap=True, highlight=False)
    return typer.Exit(_BAD_USAGE)
