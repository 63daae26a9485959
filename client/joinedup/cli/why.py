"""`joinedup why`: the whole path of an event or a prompt."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from joinedup.cli import words
from joinedup.cli.home import Home, Problem, here
from joinedup.cli.operator import Operator
from joinedup.cli.output import AsJson, emit, run, safe, say
from joinedup.cli.permissions import moment
from joinedup.cli.publishing import progress_of
from joinedup.client import Refused
from joinedup.notifications.v1 import decisions_pb2 as pb
from joinedup.notifications.v1.prompts_pb2 import State

_UNKNOWN: Final = frozenset({"decision_unknown", "prompt_unknown"})


def why(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An event id or a prompt id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what became of an event, or how a prompt came about, and why.

    Admitted, on the log, decided; each nudge with its outcome and reasons; each delivery with its
    time; and the trace of the journey. It asks as the operator, who sees no person.

    **Example**: `joinedup why k3v7q2m5x4w6n8p9r2t4y6z7ab`
    """
    home = here()
    found = run(_why(home, id_), as_json=as_json)
    if as_json:
        emit(found)
    else:
        _show(found)


async def _why(home: Home, id_: str) -> dict[str, Any]:
    try:
        async with Operator(home) as operator:
            answer = await operator.explain(id_)
    except Refused as refused:
        if refused.code not in _UNKNOWN:
            raise
        return await _undecided(home, id_)
    return explained(answer, home.endpoints().get("traces", ""))


async def _undecided(home: Home, id_: str) -> dict[str, Any]:
    try:
        progress = await progress_of(home, id_)
    except Problem:
        raise Problem(
            "id_unknown",
            "the platform knows no event and no prompt with this id",
            "use an id that `joinedup publish` or `joinedup listen` showed",
        ) from None
    return {"event_id": id_, "progress": progress, "decisions": []}


def explained(answer: pb.ExplainResponse, traces: str) -> dict[str, Any]:
    """The answer as data, with every code also in words."""
    trace = f"{traces}/zipkin/traces/{answer.trace_id}" if traces and answer.trace_id else ""
    return {
        "event_id": answer.event_id,
        "event_type": answer.event_type,
        "admitted_at": moment(answer.recorded_at),
        "trace_id": answer.trace_id,
        "trace": trace,
        "statements": list(answer.statements),
        "decisions": [_decision(each) for each in answer.decisions],
    }


def _decision(decision: pb.ExplainedDecision) -> dict[str, Any]:
    return {
        "number": decision.number,
        "role": decision.role,
        "decided_at": moment(decision.decided_at),
        "catalogue_revision": decision.catalogue_revision,
        "nudges": [_nudge(each) for each in decision.nudges],
    }


def _nudge(nudge: pb.ExplainedNudge) -> dict[str, Any]:
    return {
        "nudge": nudge.nudge,
        "version": nudge.version,
        "outcome": nudge.outcome,
        "in_words": words.outcome(nudge.outcome),
        "reasons": [{"code": each, "in_words": words.reason(each)} for each in nudge.reasons],
        "prompt_id": nudge.prompt_id,
        "epoch": nudge.epoch,
        "deliveries": [_delivery(each) for each in nudge.deliveries],
    }


def _delivery(delivery: pb.ExplainedDelivery) -> dict[str, Any]:
    state = State.Name(delivery.state).removeprefix("STATE_").lower()
    return {
        "channel": delivery.channel,
        "state": state,
        "in_words": words.state(state),
        "reason": delivery.reason,
        "at": moment(delivery.at) if delivery.HasField("at") else None,
    }


def _show(found: dict[str, Any]) -> None:
    say(f"[bold]event {safe(found['event_id'])}[/bold]  {safe(found.get('event_type', ''))}")
    if "progress" in found:
        for name, value in found["progress"].items():
            say(f"  {safe(name)}: {safe(value)}")
        say("  not decided yet; ask again in a moment")
        return
    say(f"  {found['admitted_at']}  admitted and on the log")
    _show_statements(found["event_id"], found["statements"])
    for decision in found["decisions"]:
        _show_decision(decision)
    if found["trace"]:
        say(f"trace: {found['trace']}")


def _show_statements(event_id: str, statements: list[str]) -> None:
    """Where the event stands among all that the register said of the same entry."""
    if len(statements) > 1 and event_id in statements:
        place = statements.index(event_id) + 1
        told = safe(", ".join(statements))
        say(f"  statement {place} of {len(statements)} about one entry of the register: {told}")


def _show_decision(decision: dict[str, Any]) -> None:
    who = f"person {decision['number']}, {safe(decision['role'])}"
    revision = safe(decision["catalogue_revision"])
    say(f"  {decision['decided_at']}  decided for {who} (catalogue {revision})")
    if not decision["nudges"]:
        say("    the catalogue has no nudge for this type and role")
    for nudge in decision["nudges"]:
        name = f"{safe(nudge['nudge'])} {safe(nudge['version'])}"
        say(f"    [bold]{name}[/bold]: {safe(nudge['outcome'])}, {safe(nudge['in_words'])}")
        for reason in nudge["reasons"]:
            say(f"      because {safe(reason['in_words'])} ({safe(reason['code'])})")
        if nudge["prompt_id"]:
            say(f"      prompt {safe(nudge['prompt_id'])}")
        for each in nudge["deliveries"]:
            because = f" ({safe(words.reason(each['reason']))})" if each["reason"] else ""
            told = f"{safe(each['channel'])}: {safe(each['in_words'])}{because}"
            say(f"      {each['at'] or ' ' * 24}  {told}")
