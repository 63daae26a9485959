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
    sets.CHOICE_OBJECTED: "objected",
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

    _tell_refusal(run(work(), as_json=as_json), as_json=as_json)


@app.command("object")
def object_(
    purpose: Purpose, controller: Controller, *, person: AsPerson, as_json: AsJson = False
) -> None:
    """Object to a purpose of a department, permitted or not, and say since when that holds.

    **Example**: `joinedup permissions object money council --as mair`
    """

    async def work() -> pb.ObjectResponse:
        async with _choices(person) as choices:
            return await choices.object_to(purpose, controller)

    _tell_refusal(run(work(), as_json=as_json), as_json=as_json)


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
    effects = {(each.purpose, each.controller): _effect(each) for each in answer.effects}
    never = sets.Permission()
    permissions = [
        {
            "purpose": offer.purpose,
            "controller": offer.controller,
            "controller_name": offer.controller_name,
            "text": offer.text,
            "lawful_basis": offer.lawful_basis,
            "choice": _CHOICES[rows.get((offer.purpose, offer.controller), never).choice],
            **effects.get((offer.purpose, offer.controller), {}),
        }
        for offer in answer.offers
    ]
    return {"serial": chosen.serial, "permissions": permissions}


def _tell_refusal(answer: pb.WithdrawResponse | pb.ObjectResponse, *, as_json: bool) -> None:
    effect = moment(answer.took_effect_at) if answer.HasField("took_effect_at") else None
    row = _row(answer.permission)
    if as_json:
        rest = {"took_effect_at": effect, "outstanding": answer.outstanding}
        emit({**row, "serial": answer.serial, **rest})
    elif effect:
        say(f"[green]{row['choice']}[/green]: this took effect at {effect}")
    else:
        waits = f"{answer.outstanding} places have not confirmed yet"
        say(f"{row['choice']}; taking effect ({waits})")


def _row(row: sets.Permission) -> dict[str, Any]:
    return {
        "purpose": row.purpose,
        "controller": row.controller,
        "choice": _CHOICES[row.choice],
        "epoch": row.epoch,
    }


def _effect(ended: pb.Effect | pb.PermissionChange) -> dict[str, Any]:
    known = ended.HasField("took_effect_at")
    return {"took_effect_at": moment(ended.took_effect_at) if known else None}


def _change(change: pb.PermissionChange) -> dict[str, Any]:
    return {
        "at": moment(change.at),
        "purpose": change.purpose,
        "controller": change.controller,
        "choice": _CHOICES[change.choice],
        "serial": change.serial,
        "epoch": change.epoch,
        "signed_by": change.signed_by,
        "lawful_basis": change.lawful_basis,
        "channels": list(change.channels),
        "expires_at": moment(change.expires_at) if change.HasField("expires_at") else None,
        "agreement_hash": change.agreement_hash,
        "form": change.form,
        "hash": change.hash,
        "previous_hash": change.previous_hash,
        **(_effect(change) if change.ends else {}),
    }
