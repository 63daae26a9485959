"""What was done about a publisher, told to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joinedup.cli.output import safe, say


def told_of_new(done: Mapping[str, Any]) -> None:
    """A publisher that was made."""
    kind = "a sandbox" if done["sandbox"] else "a live"
    say(f"[green]made[/green] [bold]{safe(done['publisher'])}[/bold], {kind} publisher")
    for name in ("entry", "private_key", "public_key", "example", "test"):
        say(f"  {name.replace('_', ' ')}: {safe(done[name])}")
    for each in done["topics"]:
        say(f"  topic: {safe(each)}")
    say("  The private key is its owner's alone (0600): never send it, never commit it.")
    say(f"  {_belief(done['believed_after_seconds'], 'believed')}")
    for each in done["not_named_by"]:
        say(f"  Not yet allowed: {safe(each)} must name it, under publishers in its file")
    say("[bold]Next:[/bold]")
    for each in done["next"]:
        say(f"  {safe(each)}")


def told_of_key(done: Mapping[str, Any]) -> None:
    """A key that follows others."""
    say(f"[green]rotated[/green] {safe(done['publisher'])} signs with {safe(done['kid'])} now")
    say(f"  private key: {safe(done['private_key'])}")
    say(f"  public key: {safe(done['public_key'])}")
    say(f"  the keys before it count until {done['others_until']}")
    say(f"  {_belief(done['believed_after_seconds'], 'believed')}")


def told_of_belief(done: Mapping[str, Any]) -> None:
    """A suspension, or its end."""
    said = "suspended" if done["suspended"] else "resumed"
    say(f"[green]{said}[/green] {safe(done['publisher'])}")
    say(f"  {_belief(done['in_force_after_seconds'], 'in force')}")


def _belief(seconds: float | None, what: str) -> str:
    if seconds is None:
        return f"no service was asked whether it is {what}: it is once one reads the file"
    return f"{what} by the running events service after {seconds:.1f} s"


def kind(found: Mapping[str, Any]) -> str:
    """Whether it is live, in a sandbox, or off-boarded."""
    if found["suspended"]:
        return "suspended"
    return "sandbox" if found["sandbox"] else "live"


def key(found: Mapping[str, Any]) -> str:
    """One key: whether it counts, until when, and whether this home signs with it."""
    parts = [
        f"{found['kid']} ({found['file']})",
        "in force" if found["in_force"] else "not in force",
        f"until {found['until']}" if found["until"] else "",
        "its private half is here" if found["signs_here"] else "",
    ]
    return ", ".join(filter(None, parts))


def row(found: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """One publisher of a list: id, kind, sources, and the keys in force."""
    in_force = [
        each["kid"] + (f" until {each['until']}" if each["until"] else "")
        for each in found["keys"]
        if each["in_force"]
    ]
    sources = ", ".join(found["sources"])
    return found["publisher"], kind(found), sources, ", ".join(in_force)
