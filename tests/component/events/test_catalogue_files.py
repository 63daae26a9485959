"""The catalogue as the register in force, and what happens while somebody edits it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from services.events.adapters.catalogue_files import CatalogueFiles
from services.kit.catalogue import CatalogueInvalid, Problem

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "protos" / "examples"
MOVED = "residence.address.moved.v1"


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(ROOT / "catalogue", tmp_path / "catalogue"))


def load(folder, **changed):
    return CatalogueFiles(folder, EXAMPLES, **{"fictitious": True} | changed)


def problems(folder):
    with pytest.raises(CatalogueInvalid) as invalid:
        load(folder)
    return [(Path(each.file).name, each.line, each.code) for each in invalid.value.problems]


def test_every_shipped_type_and_publisher_names_the_other(folder):
    register = load(folder)

    for event_type in register.event_types():
        assert not register.is_prohibited(event_type.name)
        for name in event_type.publishers:
            assert register.publisher(name).may_publish(event_type.name)
    for path in (folder / "publishers").glob("*.yaml"):
        publisher = register.publisher(path.stem)
        for name in () if publisher.sandbox else publisher.types:
            assert register.event_type(name).may_be_published_by(path.stem)


def test_the_shipped_sandbox_is_one_and_may_send_every_type(folder):
    register = load(folder)
    sandbox = register.publisher("sandbox")

    assert sandbox.sandbox
    assert sandbox.speaks_for("urn:uk:sandbox")
    assert all(sandbox.may_publish(each.name) for each in register.event_types())


@pytest.mark.parametrize(
    ("was", "becomes", "code"),
    [
        ("types:", "suspended: yes\ntypes:", "type_expected_boolean"),
        ("types:", "limits: {}\ntypes:", "object_too_small"),
        ("types:", "limits: {burst: 0}\ntypes:", "number_too_small"),
        ("types: [", 'types: ["*", ', "wildcard_forbidden"),
        ("gro.public.pem}", "gro.public.pem, until: 2026-11-20}", "time_invalid"),
        ("gro.public.pem}", "nrs.public.pem}", "key_shared"),
        ("keys: [", f"keys: [{'{kid: gro-1, file: gro.public.pem}, ' * 4}", "list_too_long"),
        ("id: gro", "id: nrs", "duplicate_id"),
    ],
)
def test_an_entry_of_the_register_that_cannot_be_is_named_with_its_place(
    folder, was, becomes, code
):
    path = folder / "publishers" / "gro.yaml"
    path.write_text(path.read_text().replace(was, becomes, 1))

    found = problems(folder)

    assert [word for _, _, word in found] == [code]
    assert found[0][1] > 0


def test_every_golden_event_belongs_to_a_type(folder):
    register = load(folder)

    used = {name for each in register.event_types() for name in each.examples}
    there = {f"events/{path.name}" for path in (EXAMPLES / "events").glob("*.json")}
    assert used == there


def test_what_contradicts_itself_is_named_with_its_line(folder):
    path = folder / "events" / f"{MOVED}.yaml"
    path.write_text(path.read_text().replace("on_log: [council_changed, tenure]", "on_log: [rent]"))
    line = path.read_text().splitlines().index("on_log: [rent]") + 1

    assert problems(folder) == [(path.name, line, "fact_unknown")]


def test_an_example_that_breaks_its_type_keeps_the_type_out(folder):
    path = folder / "events" / f"{MOVED}.yaml"
    path.write_text(path.read_text().replace("[owned, rented_privately,", "[owned,"))

    assert {code for _, _, code in problems(folder)} == {"example_invalid"}


def test_a_prohibited_type_cannot_be_registered(folder):
    path = folder / "events" / f"{MOVED}.yaml"
    path.write_text(path.read_text().replace(MOVED, "residence.refuge.entered.v1"))

    assert "event_type_prohibited" in {code for _, _, code in problems(folder)}


def test_two_files_cannot_hold_one_type(folder):
    shutil.copy(folder / "events" / f"{MOVED}.yaml", folder / "events" / "second.yaml")

    assert [code for _, _, code in problems(folder)] == ["duplicate_id"]


def test_facts_that_are_no_schema_are_told(folder):
    path = folder / "events" / f"{MOVED}.yaml"
    path.write_text(path.read_text().replace("{enum: [owned", "{minLength: -1, enum: [owned"))

    assert [code for _, _, code in problems(folder)] == ["schema_invalid"]


def test_in_production_only_the_sandbox_has_numbers_that_are_never_issued(folder):
    real, fiction = load(folder, fictitious=False), load(folder)
    birth = real.event_type("civil-registration.birth.registered.v1")
    (example, *_) = real.examples(birth)

    assert fiction.faults(birth, example) == []
    assert [fault.code for fault in real.faults(birth, example)] == ["nino_invalid"]
    assert real.faults(birth, example, sandbox=True) == []


@pytest.mark.timeout(60)
async def test_what_was_last_good_stays_in_force_until_the_file_is_mended(folder):
    register = load(folder)
    path = folder / "events" / f"{MOVED}.yaml"
    good, revision = path.read_text(), register.revision
    stop, changes = asyncio.Event(), asyncio.Queue[list[Problem]]()
    watching = asyncio.create_task(register.watch(stop, changes.put_nowait))

    async def told(text, wanted):
        # Written again until the watcher, which begins in its own time, has seen it.
        async with asyncio.timeout(30):
            while True:
                path.write_text(text)
                try:
                    async with asyncio.timeout(1):
                        found = await changes.get()
                except TimeoutError:
                    continue
                if bool(found) == wanted:
                    return found

    broken = await told(good.replace("nations: [E, W, S, NI]", "nations: [E, W, XX]"), wanted=True)
    in_force = register.event_type(MOVED).nations
    await told(good.replace("nations: [E, W, S, NI]", "nations: [E, W]"), wanted=False)
    mended = register.event_type(MOVED).nations
    stop.set()
    await watching

    assert [(Path(each.file).name, each.code) for each in broken] == [
        (path.name, "value_not_allowed")
    ]
    assert all(each.line > 1 and each.column > 1 for each in broken)
    assert in_force == ("E", "W", "S", "NI")
    assert mended == ("E", "W")
    assert register.revision != revision
