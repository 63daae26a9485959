"""The page of event types: what every event has once, then what each type has of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from joinedup.cli import words
from joinedup.cli.schema_fields import Field, fields
from tools.reference.markdown import code, codes, json_block, link, page, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.events.domain.event_type import EventType
    from tools.reference.contracts import Contracts

_INTRODUCTION: Final = """\
A type is one file in [catalogue/events](../../catalogue/events); a running platform serves the same
at `GET /v1/event-types`. `joinedup events types TYPE` shows one, and `joinedup events check FILE`
says what is wrong with an event before it is sent. What each refusal means:
[errors.md](errors.md)."""
_EVERY: Final = """\
An event is a CloudEvent 1.0. Where a type says more about one of these fields, its own section
says it."""
# Told by each type itself.
_OWN: Final = frozenset({"type", "nation", "role", "facts"})


def text(contracts: Contracts) -> str:
    """The page."""
    register = contracts.register
    types = register.event_types()
    listed = [
        (
            link(each.name),
            each.entry["title"]["en"],
            codes(sorted(each.publishers)),
            codes(each.nations),
        )
        for each in types
    ]
    common = fields(register.schema(types[0]))
    return page(
        "Event types",
        _INTRODUCTION,
        table(("type", "what happened", "publishers", "nations"), listed),
        "## What every event has",
        _EVERY,
        _fields(each for each in common if "facts" not in each.path[:-1]),
        "## What a correction does to prompts",
        "Each type says which of these its corrections are.",
        table(
            ("word", "meaning"), ((code(each), words.correction(each)) for each in _effects(types))
        ),
        *(_section(each, register.schema(each), register.examples(each)[0]) for each in types),
    )


def _section(event_type: EventType, schema: Mapping[str, Any], example: Mapping[str, Any]) -> str:
    entry = event_type.entry
    facts = [each for each in fields(schema) if "facts" in each.path[:-1]]
    files = ", ".join(
        f"[{name.rpartition('/')[2]}](../../protos/examples/{name})" for name in event_type.examples
    )
    return "\n\n".join(
        part
        for part in (
            f"## {event_type.name}",
            f"**{entry['title']['en']}.** {entry['description']}",
            table(("", ""), _about(event_type)),
            table(("role", "required", "concerned", "identifiers"), _roles(event_type)),
            _fields(facts) if facts else "It has no facts of its own.",
            table(
                ("correction", "what it does"),
                ((code(name), code(each)) for name, each in entry["corrections"].items()),
            ),
            f"Examples: {files}. The first:",
            json_block(example),
        )
        if part
    )


def _about(event_type: EventType) -> list[tuple[str, str]]:
    entry = event_type.entry
    basis, coverage = entry["lawful_basis"], entry["coverage"]
    late = f"usually told within {coverage['lag_days']} days"
    about = [
        ("publishers", codes(sorted(event_type.publishers))),
        ("nations", codes(event_type.nations)),
        ("lawful basis", f"{code(basis['basis'])}: {basis['reference']}"),
        ("sensitivity", entry["sensitivity"]),
        ("kept", f"{entry['retention_days']} days, in the personal record"),
        ("coverage", f"{coverage['completeness']}; {coverage['population']}; {late}"),
        ("facts on the log", codes(sorted(event_type.on_log), "none")),
    ]
    if fences := entry.get("fences"):
        flagged = f"{code(fences['role'])} is flagged {code(fences['flag'])}"
        about.append(("goes silent", f"{flagged} before the event is acknowledged"))
    return about


def _roles(event_type: EventType) -> Iterable[tuple[str, ...]]:
    for role in event_type.roles.values():
        required, concerned = ("yes" if each else "no" for each in (role.required, role.concerned))
        yield code(role.name), required, concerned, codes(role.identifiers)


def _fields(found: Iterable[Field]) -> str:
    return table(
        ("field", "required", "what it may be", "meaning"),
        (
            (
                code(".".join(each.path)),
                "yes" if each.required else "",
                "its type says"
                if each.name in _OWN and "facts" not in each.path[:-1]
                else each.kind,
                each.description,
            )
            for each in found
        ),
    )


def _effects(types: Iterable[EventType]) -> list[str]:
    return sorted({word for each in types for word in each.entry["corrections"].values()})
