"""The page of the command line, from the commands' own help."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from joinedup.cli.app import app
from tools.reference.markdown import code, page, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.reference.contracts import Contracts

_VALUES: Final = {int: "NUMBER", float: "NUMBER", str: "TEXT", Path: "PATH"}


def text(_contracts: Contracts) -> str:
    """The page."""
    root = typer.main.get_command(app)
    commands = list(_commands(root, "joinedup"))
    return page(
        "The command line",
        _help(root),
        table(
            ("command", "what it does"),
            (
                (f"[{code(name)}](#{name.replace(' ', '-')})", _help(command).splitlines()[0])
                for name, command in commands
            ),
        ),
        *(_section(name, command) for name, command in commands),
    )


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    inside = getattr(command, "commands", None)
    if inside is None:
        yield name, command
        return
    for each in inside.values():
        yield from _commands(each, f"{name} {each.name}")


def _section(name: str, command: Any) -> str:
    rows = [(_shown(each), _meaning(each)) for each in command.params]
    arguments = [_usage(each) for each in command.params if not _is_option(each)]
    return "\n\n".join(
        part
        for part in (
            f"## {name}",
            f"```\n{' '.join((name, '[OPTIONS]', *arguments))}\n```",
            _help(command),
            table(("argument or option", "meaning"), rows),
        )
        if part
    )


def _usage(argument: Any) -> str:
    many = "..." if argument.nargs < 0 else ""
    metavar = _named(argument)
    return f"{metavar}{many}" if argument.required else f"[{metavar}{many}]"


def _shown(parameter: Any) -> str:
    if not _is_option(parameter):
        return code(_named(parameter))
    value = "" if parameter.is_flag else f" {parameter.metavar or _VALUES[_annotation(parameter)]}"
    return code(", ".join(parameter.opts) + value)


def _meaning(parameter: Any) -> str:
    said = [parameter.help or ""]
    if parameter.required and _is_option(parameter):
        said.append("Required.")
    if parameter.default not in {None, "", False}:
        said.append(f"Default: {code(str(parameter.default))}.")
    if parameter.envvar:
        said.append(f"Also from {code(str(parameter.envvar))}.")
    return " ".join(part for part in said if part)


def _named(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper()).strip("[]")


def _is_option(parameter: Any) -> bool:
    return bool(parameter.opts[0].startswith("-"))


def _annotation(parameter: Any) -> Any:
    return parameter.type_descriptor.annotation


def _help(command: Any) -> str:
    return str(command.help or "").replace("\f", "").strip()
