"""`joinedup events types`: which life events there are, and what each consists of."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx
import typer
from rich.tree import Tree

from joinedup.cli import words
from joinedup.cli.event_checks import check, register
from joinedup.cli.home import Problem, here
from joinedup.cli.output import AsJson, console, emit, fail, safe, say, table
from joinedup.cli.schema_fields import fields

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The types of life events, and whether events in files keep their rules.\n\n"
    "`joinedup events types` lists them; `joinedup events types TYPE` shows one with all its "
    "fields; `joinedup events check FILE` says what is wrong with events before they are sent.",
)
app.command("check")(check)

_CATALOGUE: Final = "the catalogue in this repository (no platform is running)"
_SECONDS: Final = 10.0
_CLOSE: Final = 3

Document = dict[str, Any]


@app.command("types")
def types(
    type_name: Annotated[
        str, typer.Argument(metavar="[TYPE]", help="Show this type with all it consists of.")
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List the types of life events, or show all of one.

    One type is shown with its fields (which are required, and what each may be), the roles of its
    people, what a correction does, what its source covers, and an example to start from. Asked of
    the running platform; where none runs, read from the catalogue here. The last line says which.

    **Example**: `joinedup events types civil-registration.birth.registered.v1`
    """
    try:
        asked = _from_platform(type_name)
        document, origin = asked or (_from_catalogue(type_name), _CATALOGUE)
    except Problem as problem:
        raise fail(problem, as_json=as_json) from problem
    if as_json:
        emit({**document, "from": origin})
        return
    if type_name:
        _show(document)
    else:
        _list(document)
    say(f"\n[dim]from {safe(origin)}[/dim]")


def _from_platform(type_name: str) -> tuple[Document, str] | None:
    """What the platform answers, and where; None while none runs."""
    try:
        url = f"{here().endpoints()['events_http']}/v1/event-types"
        with httpx.Client(timeout=_SECONDS, trust_env=False) as http:
            answer = http.get(f"{url}/{quote(type_name, safe='')}" if type_name else url)
            if answer.status_code == httpx.codes.NOT_FOUND:
                known = http.get(url).raise_for_status().json()["event_types"]
                raise _unknown(type_name, (each["type"] for each in known))
            return answer.raise_for_status().json(), url
    except httpx.HTTPStatusError as wrong:
        detail = f"the platform answered {wrong.response.status_code}"
        raise Problem("platform_failed", detail, "`joinedup doctor` says what is wrong") from None
    except (httpx.TransportError, Problem) as away:
        if isinstance(away, Problem) and away.code != "platform_not_running":
            raise
        return None


def _from_catalogue(type_name: str) -> Document:
    from services.events.entrypoints import documents

    known = register()
    if not type_name:
        listed = documents.EventTypesDocument(
            event_types=[documents.summary(each) for each in known.event_types()]
        )
        return listed.model_dump()
    found = known.event_type(type_name)
    if found is None:
        raise _unknown(type_name, (each.name for each in known.event_types()))
    examples = [dict(each) for each in known.examples(found)]
    whole = documents.whole(found, known.schema(found), examples)
    return whole.model_dump(mode="json", by_alias=True)


def _unknown(type_name: str, known: Iterable[str]) -> Problem:
    names = list(known)
    close = difflib.get_close_matches(type_name, names, n=_CLOSE, cutoff=0.4)
    close = close or [each for each in names if type_name in each]
    fix = f"did you mean {' or '.join(close)}?" if close else "`joinedup events types` lists them"
    return Problem("event_type_unknown", "there is no event type of that name", fix)


def _list(document: Document) -> None:
    rows = [
        (
            each["type"],
            each["title"]["en"],
            ", ".join(each["publishers"]),
            ", ".join(each["nations"]),
        )
        for each in document["event_types"]
    ]
    table(("type", "what happened", "publishers", "nations"), rows)


def _show(document: Document) -> None:
    say(f"[bold]{safe(document['type'])}[/bold]\n{safe(document['title']['en'])}")
    say(f"{safe(document['description'])}\n")
    for name, value in _about(document):
        say(f"[bold]{name}[/bold]: {safe(value)}")
    _heading("Roles")
    table(
        ("role", "required", "concerned", "identifiers"),
        [_role(name, each) for name, each in document["roles"].items()],
    )
    _heading("Corrections")
    table(
        ("reason", "what it does to prompts"),
        [(each, words.correction(word)) for each, word in document["corrections"].items()],
    )
    _heading("Fields")
    console().print(_tree(document["schema"]), highlight=False)
    _heading("Example")
    console().print_json(json.dumps(document["examples"][0]), ensure_ascii=False)


def _about(document: Document) -> list[tuple[str, str]]:
    basis, coverage = document["lawful_basis"], document["coverage"]
    late = f"usually told within {coverage['lag_days']} days"
    about = [
        ("publishers", ", ".join(document["publishers"])),
        ("nations", ", ".join(document["nations"])),
        ("lawful basis", f"{basis['basis']}: {basis['reference']}"),
        ("sensitivity", document["sensitivity"]),
        ("kept", f"{document['retention_days']} days, in the personal record"),
        ("coverage", f"{coverage['completeness']}; {coverage['population']}; {late}"),
        ("facts on the log", ", ".join(document["on_log"]) or "none"),
    ]
    if fences := document["fences"]:
        told = f"{fences['role']} is flagged {fences['flag']} before the event is acknowledged"
        about.append(("goes silent", told))
    return about


def _role(name: str, role: Mapping[str, Any]) -> tuple[str, str, str, str]:
    required, concerned = ("yes" if role[each] else "no" for each in ("required", "concerned"))
    return name, required, concerned, ", ".join(role.get("identifiers", ())) or "none"


def _tree(schema: Mapping[str, Any]) -> Tree:
    root = Tree("event", guide_style="dim")
    branches: dict[tuple[str, ...], Tree] = {(): root}
    for each in fields(schema):
        required = " (required)" if each.required else ""
        text = f"[bold]{safe(each.name)}[/bold]{required}: {safe(each.kind)}"
        if each.description:
            text += f" [dim]– {safe(each.description)}[/dim]"
        branches[each.path] = branches[each.path[:-1]].add(text)
    return root


def _heading(text: str) -> None:
    say(f"\n[bold]{text}[/bold]")
