"""A type says who may speak and what may be used, and cannot contradict itself."""

import copy
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from services.events.domain.event_type import (
    contradictions,
    read_event_type,
    read_prohibition,
)

CATALOGUE = Path(__file__).resolve().parents[3] / "catalogue"
PROHIBITED = [
    read_prohibition(YAML(typ="safe").load(path)) for path in (CATALOGUE / "prohibited").glob("*")
]
BIRTH = YAML(typ="safe").load(CATALOGUE / "events" / "civil-registration.birth.registered.v1.yaml")


def changed(**parts):
    return {**copy.deepcopy(BIRTH), **parts}


def codes(entry):
    return [(pointer, code) for pointer, code, _ in contradictions(entry, PROHIBITED)]


def test_a_shipped_type_contradicts_nothing():
    assert codes(BIRTH) == []


def test_only_listed_facts_leave_the_door():
    event_type = read_event_type(BIRTH)

    kept = event_type.minimised({"multiple_birth": True, "hospital": "St David's"})

    assert kept == {"multiple_birth": True}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (changed(on_log=["weight"]), ("/on_log/0", "fact_unknown")),
        (
            changed(facts={**BIRTH["facts"], "properties": {"multiple_birth": {"type": "string"}}}),
            ("/on_log/0", "fact_open"),
        ),
        (changed(case={**BIRTH["case"], "anchor": "baby"}), ("/case/anchor", "role_unknown")),
        (
            changed(case={**BIRTH["case"], "members": ["mother", "aunt"]}),
            ("/case/members/1", "role_unknown"),
        ),
        (changed(case={**BIRTH["case"], "kind": "loss"}), ("/case/kind", "loss_without_fence")),
        (
            changed(fences={"role": "child", "flag": "deceased"}),
            ("/case/kind", "loss_without_fence"),
        ),
        (changed(fences={"role": "dead", "flag": "deceased"}), ("/fences/role", "role_unknown")),
        (
            changed(record_fields=[{"role": "child", "fact": "weight", "field": "weight"}]),
            ("/record_fields/0/fact", "fact_unknown"),
        ),
        (
            changed(record_fields=[{"role": "aunt", "fact": "multiple_birth", "field": "x"}]),
            ("/record_fields/0/role", "role_unknown"),
        ),
        (
            changed(case={}, roles={"child": BIRTH["roles"]["child"]}),
            ("/roles", "nobody_concerned"),
        ),
    ],
)
def test_an_entry_that_contradicts_itself_is_told_where(entry, expected):
    if not entry["case"]:
        del entry["case"]

    assert expected in codes(entry)


@pytest.mark.parametrize(
    "name",
    [
        "civil-registration.gender-recognition.certificate-issued.v1",
        "family.adoption-link.opened.v1",
        "health.abortion.recorded.v1",
        "housing.refuge.entered.v1",
        "residence.protected-address.granted.v2",
        "justice.witness-protection.begun.v1",
        "health.hiv-clinic.attended.v1",
        "health.SEXUAL-HEALTH.attended.v1",
        "police.covert-investigation.opened.v1",
    ],
)
def test_a_prohibited_kind_cannot_be_registered(name):
    assert ("/type", "event_type_prohibited") in codes(changed(type=name))


@pytest.mark.parametrize("name", ["health.archive.opened.v1", "work.refugee-permit.granted.v1"])
def test_a_word_that_only_contains_a_prohibited_one_is_free(name):
    assert codes(changed(type=name)) == []
