"""All commands under one name."""

from __future__ import annotations

import typer

from joinedup.cli import (
    access_log,
    doctor,
    event_types,
    listening,
    people,
    permissions,
    publisher_token,
    publishers,
    publishing,
    why,
)

app = typer.Typer(
    name="joinedup",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Publish life events, listen for prompts, change permissions, see who looked, ask why.\n\n"
    "Start a platform with **make up** (or **make demo**), then try "
    "`joinedup publish demo/examples/birth.json`.\n\n"
    "Every command takes --json. Exit codes: 0 done, 1 refused or failed, 2 bad usage. "
    "JOINEDUP_HOME says which platform is meant (default build/run).",
)

app.command("publish")(publishing.publish)
app.command("event")(publishing.event)
app.add_typer(event_types.app, name="events")
publishers.app.command("token")(publisher_token.token)
app.add_typer(publishers.app, name="publishers")
app.command("listen")(listening.listen)
app.add_typer(permissions.app, name="permissions")
app.command("access-log")(access_log.access_log)
app.command("why")(why.why)
app.add_typer(people.app, name="people")
app.command("doctor")(doctor.doctor)
