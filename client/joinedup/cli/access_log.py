"""`joinedup access-log`: who read a person's data, as that person sees it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from joinedup.cli.home import here
from joinedup.cli.output import AsJson, AsPerson, emit, run, say, table
from joinedup.cli.permissions import moment
from joinedup.client import AccessLog, PersonSession
from joinedup.identity.v1 import access_line_pb2 as lines
from joinedup.identity.v1 import access_log_pb2 as pb

_INCOMPLETE: Final = "incomplete: one of the services did not answer; run this again later"


def access_log(
    *,
    person: AsPerson,
    others_only: Annotated[
        bool, typer.Option("--others-only", help="Leave out what the person looked at themselves.")
    ] = False,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    language: Annotated[
        str, typer.Option(metavar="en|cy", help="en or cy; the person's own when left out.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List who read the person's data, when, what for and on which basis, newest first.

    **Example**: `joinedup access-log --as mair --others-only`
    """
    if language not in {"", "en", "cy"}:
        raise typer.BadParameter("en or cy", param_hint="--language")

    async def work() -> dict[str, Any]:
        home = here()
        endpoints = home.endpoints()
        session = PersonSession(
            home.sub_of(person),
            sign_in_url=endpoints["sign_in"],
            identity=endpoints["identity_grpc"],
        )
        async with session:
            log = AccessLog(session)
            newest = log.newest(most, others_only=others_only, language=language)
            entries = [_entry(each) async for each in newest]
        return {"entries": entries, "incomplete": log.incomplete}

    found = run(work(), as_json=as_json)
    if as_json:
        emit(found)
        return
    table(("at", "what"), [(each["at"], each["sentence"]) for each in found["entries"]])
    if found["incomplete"]:
        say(f"[yellow]{_INCOMPLETE}[/yellow]")


def _entry(entry: pb.AccessEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": moment(entry.at),
        "reader_kind": lines.ReaderKind.Name(entry.reader_kind)
        .removeprefix("READER_KIND_")
        .lower(),
        "reader": entry.reader,
        "reader_name": entry.reader_name,
        "action": lines.AccessAction.Name(entry.action).removeprefix("ACCESS_ACTION_").lower(),
        "purpose": entry.purpose,
        "purpose_name": entry.purpose_name,
        "lawful_basis": entry.lawful_basis,
        "fields": list(entry.fields),
        "event_id": entry.event_id,
        "prompt_id": entry.prompt_id,
        "trace_id": entry.trace_id,
        "reason": entry.reason,
        "sentence": entry.sentence,
    }
