"""`joinedup permissions`: read and change a person's choices, as that person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from joinedup.cli.home import here
from joinedup.cli.output import AsJson, AsPerson, emit, run, safe, say, table
from joinedup.client import Choices, PersonSession
from joinedup.identity.v1 import permission_set_pb2 as sets
from joinedup.identity.v1 import permissions_pb2 as pb

app = typer.Typer(
    no_args_is_help=True,
    help="Read and change what a person permits: one purpose of one department at a time.\n\n"
    "**Example**: `joinedup permissions give family hmrc --as mair`",
)

Purpose = Annotated[
    str, typer.Argument(help="family, driving, moving, money, work, health or education.")
]
Controller = Annotated[str, typer.Argument(help="The department, e.g. hmrc.")]

_CHOICES: Final = {
    sets.CHOICE_UNSPECIFIED: "never asked",
    sets.CHOICE_GIVEN: "given",
    sets.CHOICE_WITHDRAWN: "withdrawn",
}


@app.command("list")
def list_(
    *,
    person: AsPerson,
    language: Annotated[str, typer.Option(metavar="en|cy", help="en or cy.")] = "en",
    as_json: AsJson = False,
) -> None:
    """List what the person may permit, and what they have permitted.

    **Example**: `joinedup permissions list --as mair`
    """
    if language not in {"en", "cy"}:
        raise typer.BadParameter("en or cy", param_hint="--language")

    async def work() -> dict[str, Any]:
        async with _choices(person) as choices:
            return _listed(await choices.listed(language))

    found = run(work(), as_json=as_json)
    if as_json:
        emit(found)
        return
    table(
        ("purpose", "department", "choice", "what it means"),
        [
            (each["purpose"], each["controller"], each["choice"], each["text"])
            for each in found["permissions"]
        ],
    )


@app.command()
def give(
    purpose: Purpose, controller: Controller, *, person: AsPerson, as_json: AsJson = False
) -> None:
    """Permit one purpose of one department, on the agreement as it stands now.

    **Example**: `joinedup permissions give family hmrc --as mair`
    """

    async def work() -> pb.GiveResponse:
        async with _choices(person) as choices:
            return await choices.give(purpose, controller)

    given = run(work(), as_json=as_json)
    if as_json:
        emit({**_row(given.permission), "serial": given.serial})
        return
    say(f"[green]given[/green]: {safe(purpose)} to {safe(controller)} (serial {given.serial})")


@app.command()
def withdraw(
    purpose: Purpose, controller: Controller, *, person: AsPerson, as_json: AsJson = False
) -> None:
    """Take a permission back, and say since when that holds everywhere.

    **Example**: `joinedup permissions withdraw family hmrc --as mair`
    """

    async def work() -> pb.WithdrawResponse:
        async with _choices(person) as choices:
            return await choices.withdraw(purpose, controller)

    taken = run(work(), as_json=as_json)
    effect = moment(taken.took_effect_at) if taken.HasField("took_effect_at") else None
    if as_json:
        emit(
            {
                **_row(taken.permission),
                "serial": taken.serial,
                "took_effect_at": effect,
                "outstanding": taken.outstanding,
            }
        )
    elif effect:
        say(f"[green]withdrawn[/green]: this took effect at {effect}")
    else:
        say(f"withdrawn; taking effect ({taken.outstanding} places have not confirmed yet)")


@app.command()
def history(*, person: AsPerson, as_json: AsJson = False) -> None:
    """List every change of the person's choices, oldest first.

    **Example**: `joinedup permissions history --as mair`
    """

    async def work() -> tuple[pb.PermissionChange, ...]:
        async with _choices(person) as choices:
            return await choices.history()

    changes = [_change(each) for each in run(work(), as_json=as_json)]
    if as_json:
        emit({"changes": changes})
        return
    table(
        ("at", "purpose", "department", "choice", "serial", "signed by"),
        [
            (
                each["at"],
                each["purpose"],
                each["controller"],
                each["choice"],
                str(each["serial"]),
                each["signed_by"],
            )
            for each in changes
        ],
    )


def moment(at: Timestamp) -> str:
    """A time in UTC, to the millisecond."""
    return at.ToDatetime().isoformat(timespec="milliseconds") + "Z"


@asynccontextmanager
async def _choices(person: str) -> AsyncIterator[Choices]:
    home = here()
    endpoints = home.endpoints()
    session = PersonSession(
        home.sub_of(person),
        sign_in_url=endpoints["sign_in"],
        identity=endpoints["identity_grpc"],
    )
    async with session:
        yield Choices(session)


def _listed(answer: pb.ListResponse) -> dict[str, Any]:
    chosen = answer.permissions
    rows = {(each.purpose, each.controller): each for each in chosen.permissions}
    never = sets.Permission()
    permissions = [
        {
            "purpose": offer.purpose,
            "controller": offer.controller,
            "controller_name": offer.controller_name,
            "text": offer.text,
            "choice": _CHOICES[rows.get((offer.purpose, offer.controller), never).choice],
        }
        for offer in answer.offers
    ]
    return {"serial": chosen.serial, "permissions": permissions}


def _row(row: sets.Permission) -> dict[str, Any]:
    return {
        "purpose": row.purpose,
        "controller": row.controller,
        "choice": _CHOICES[row.choice],
        "epoch": row.epoch,
    }


def _change(change: pb.PermissionChange) -> dict[str, Any]:
    return {
        "at": moment(change.at),
        "purpose": change.purpose,
        "controller": change.controller,
        "choice": _CHOICES[change.choice],
        "serial": change.serial,
        "epoch": change.epoch,
        "signed_by": change.signed_by,
        "hash": change.hash,
        "previous_hash": change.previous_hash,
    }
