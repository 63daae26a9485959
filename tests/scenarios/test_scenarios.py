"""Is the policy right? Every file here is one case, readable without Python."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.kit.yaml_file import read_yaml
from services.nudges.adapters.catalogue_files import CatalogueFiles
from services.nudges.domain.decide import decide
from services.nudges.domain.decision import Decision, NudgeDecision, prompt_id
from services.nudges.domain.life_event import LifeEvent, PartialDate, Reason, Standing
from services.nudges.domain.nudge import Nudge
from services.nudges.domain.permission import Choice, Flag, Permission, PermissionSet

HERE = Path(__file__).resolve().parent
CATALOGUE = CatalogueFiles(HERE.parents[1] / "catalogue")()
NUDGES = {nudge.id: nudge for found in CATALOGUE.by_type.values() for nudge in found}
FILES = sorted(HERE.glob("*/*.yaml"))
PERSON, EVENT = "p" * 26, "e" * 26


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_decision_is_the_expected_one(file: Path) -> None:
    case = read_yaml(file).data
    nudge = NUDGES[file.parent.name]

    decision = decide(an_event(case["event"]), a_set(case, nudge), CATALOGUE, moment(case["now"]))

    decided = next((each for each in decision.nudges if each.nudge == nudge.id), None)
    assert seen(decided, decision, case["expect"]) == case["expect"], case["scenario"]


@pytest.mark.parametrize("nudge", NUDGES)
@pytest.mark.parametrize("kind", ["issued", "refused", "boundary"])
def test_every_nudge_has_a_case_of_each_kind(nudge: str, kind: str) -> None:
    assert list((HERE / nudge).glob(f"{kind}-*.yaml"))


def test_every_folder_is_a_nudge() -> None:
    assert {file.parent.name for file in FILES} == set(NUDGES)


def an_event(case: dict[str, Any]) -> LifeEvent:
    fields = {
        "event_id": EVENT,
        "subject": PERSON,
        "publisher": "gro",
        "reason": "registered",
        "recorded_at": "2026-11-20T10:00:00Z",
        "age_years": 32,
        **case,
    }
    fields["occurred"] = PartialDate.parse(fields["occurred"])
    fields["reason"] = Reason(fields["reason"])
    fields["standing"] = Standing(fields.get("standing", "in_force"))
    fields["recorded_at"] = moment(fields["recorded_at"])
    return LifeEvent(**fields)


def a_set(case: dict[str, Any], nudge: Nudge) -> PermissionSet:
    flags = [Flag(each) for each in case.get("flags", ())]
    given = case["permission"]
    if given is None:
        return PermissionSet.of(PERSON, 1, (), flags)
    row = Permission(
        purpose=given.get("purpose", nudge.purpose),
        controller=given.get("controller", nudge.controller),
        choice=Choice(given["choice"]),
        channels=frozenset(given.get("channels", nudge.channels)),
        expires_at=moment(given["expires_at"]) if "expires_at" in given else None,
    )
    return PermissionSet.of(PERSON, 1, [row], flags)


def seen(decided: NudgeDecision | None, decision: Decision, asked: Any) -> Any:
    """What was decided, as far as a case asks for it."""
    if decided is None or asked == "absent":
        return "absent" if decided is None else decided
    roots = [each for each in (EVENT, asked.get("prompt_of", "")) if each]
    major = int(decided.version.split(".")[0])
    named = {prompt_id(each, decided.nudge, major, 0, decision.subject): each for each in roots}
    values = {
        "outcome": str(decided.outcome),
        "reasons": [str(reason) for reason in decided.reasons],
        "channels": list(decided.channels),
        "due_at": text(decided.due_at),
        "expires_at": text(decided.expires_at),
        "parameters": dict(decided.parameters),
        "facts": {fact.name: fact.value for fact in decided.facts},
        "prompt_of": named.get(decided.prompt_id),
    }
    return {name: values[name] for name in asked}


def moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


def text(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
