"""What a sandbox publisher sends is judged like everything else, and leaves nothing behind."""

import json
from typing import Any

import psycopg
import pytest

from services.events.adapters.catalogue_files import CatalogueFiles
from services.events.adapters.postgres_admissions import MIGRATIONS, pool_for
from services.events.adapters.sandbox import Sandbox
from services.events.domain.errors import StoreUnavailable
from services.events.domain.life_event import Entry, read_life_event
from services.events.domain.simulation import Simulated
from services.kit.migrations import migrate
from tests.builders import an_event_body
from tests.directed_identity import NOW
from tests.events_service import ROOT, rows_of
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SOURCE = "urn:uk:sandbox"
REGISTER = CatalogueFiles(ROOT / "catalogue", ROOT / "protos" / "examples", fictitious=True)


def a_sandbox_birth(id, **numbers):  # noqa: A002
    """A birth whose people have the numbers given, each by role; None is no number."""
    persons: list[dict[str, Any]] = [{"role": "child", "birth_date": "2026-11-18"}]
    for role, number in numbers.items():
        identifiers = [{"scheme": "nino", "value": number}] if number else []
        persons.append({"role": role, "birth_date": "1994-02-03", "identifiers": identifiers})
    return an_event_body(id=id, source=SOURCE, data={"persons": persons})


def simulations(url, event_id):
    statement = f"SELECT role, outcome FROM simulations WHERE event_id = '{event_id}' ORDER BY role"
    return dict(rows_of(url, statement))


@pytest.fixture
async def sandbox(database_url):
    await migrate(database_url, MIGRATIONS, "events")
    pool = pool_for(database_url)
    await pool.open()
    yield Sandbox(pool, REGISTER.event_type)
    await pool.close()


async def entries(sandbox, *bodies):
    events = [read_life_event(body, "sandbox") for body in bodies]
    resolutions = await sandbox.resolve(events, ["" for _ in events])
    return [
        Entry(event, event.facts, resolution, NOW, "")
        for event, resolution in zip(events, resolutions, strict=True)
    ]


def test_a_sandbox_event_leaves_no_record_and_no_question_to_identity(
    service, log, events_database_url
):
    asked = len(service.identity.asked)
    body = a_sandbox_birth("quiet", mother="QQ000001A", father="QQ000003A", parent=None)

    answer = service.publish(body, "sandbox")

    assert answer.status_code == 202
    event_id = answer.json()["event_id"]
    assert simulations(events_database_url, event_id) == {
        "mother": "delivered",
        "father": "unreachable",
        "parent": "declined",
    }
    # What is published live now comes after it: had it written or asked, that would be there.
    live = service.publish(an_event_body(id="after-the-sandbox")).json()["event_id"]
    assert [message.event_id for _, message, _ in log.events()] == [live]
    assert event_id not in [each.event_id for each in service.identity.asked[asked:]]
    assert len(service.identity.asked) == asked + 1


def test_nobody_decides_about_it_so_it_is_decided_at_once(service):
    event_id = service.publish(a_sandbox_birth("decided", mother="QQ000002A"), "sandbox").json()[
        "event_id"
    ]

    assert service.follow(event_id, "sandbox").json()["status"] == "decided"
    assert service.follow(event_id, "gro").status_code == 404


def test_the_same_event_is_one_event_here_too(service):
    body = a_sandbox_birth("again-in-the-sandbox", mother="QQ000001A")
    first = service.publish(body, "sandbox").json()

    again = service.publish(body, "sandbox")
    other = service.publish({**body, "time": "2026-11-20T10:04:00Z"}, "sandbox")

    assert again.json() == {**first, "duplicate": True}
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("name", ["birth", "death", "driving-licence-renewed", "residence-moved"])
def test_every_type_may_be_tried_without_naming_the_sandbox(service, name):
    body = an_event_body(name, id=f"tried-{name}", source=SOURCE)

    assert service.publish(body, "sandbox").status_code == 202


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"source": "urn:uk:register:civil-registration"}, 403, "scope_denied"),
        ({"type": "no.such.type.v1"}, 422, "event_type_unknown"),
        ({"type": "health.hiv-clinic.attended.v1"}, 422, "event_type_prohibited"),
        ({"data": {"nation": "X"}}, 422, "value_not_allowed"),
        ({"data": {"registered_at": "2027-11-20T10:00:00Z"}}, 422, "time_future"),
        ({"extra": 1}, 422, "field_unknown"),
    ],
)
def test_what_is_refused_elsewhere_is_refused_in_the_sandbox(service, changed, status, code):
    body = an_event_body(**{"id": f"refused-{code}", "source": SOURCE} | changed)

    answer = service.publish(body, "sandbox")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_entry_that_leaves_the_sandbox_is_held_to_the_rules_outside(service, log):
    path = service.catalogue / "publishers" / "sandbox.yaml"
    good = path.read_text()
    body = a_sandbox_birth("left", mother="QQ000001A")
    try:
        live = good.replace("sandbox: true", "sandbox: false").replace('["*"]', f"[{body['type']}]")
        path.write_text(live)
        answer = eventually(lambda: answered(service, body, 403))
    finally:
        path.write_text(good)
        eventually(lambda: answered(service, body, 202))

    assert answer.json()["code"] == "scope_denied"
    assert log.events() == []


def answered(service, body, status):
    """The answer to the event under an id of its own, once it is of that status."""
    answer = service.publish({**body, "id": f"probe-{service.now().timestamp()}"}, "sandbox")
    return answer if answer.status_code == status else None


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        ("QQ000001A", "delivered"),
        ("QQ000002A", "declined"),
        ("QQ000003A", "unreachable"),
        ("QQ123456C", "declined"),
    ],
)
def test_who_follows_a_sandbox_event_sees_what_would_have_become_of_it(service, number, outcome):
    body = a_sandbox_birth(f"followed-{number}", mother=number)

    event_id = service.publish(body, "sandbox").json()["event_id"]
    told = service.follow(event_id, "sandbox").json()

    assert told["status"] == "decided"
    assert told["simulated"] == [{"role": "mother", "outcome": outcome}]
    assert service.follow(event_id, "gro").status_code == 404


def test_what_was_tried_out_is_not_taken_for_what_happened(service, log):
    path = service.catalogue / "publishers" / "gro.yaml"
    good, body = path.read_text(), an_event_body(id="tried, then meant")
    try:
        path.write_text(f"{good}\nsandbox: true\n")
        tried = eventually(lambda: in_the_sandbox(service, body))
    finally:
        path.write_text(good)
    meant = eventually(lambda: live(service, body, tried["event_id"]))

    assert meant["duplicate"] is False
    written = {message.event_id for _, message, _ in log.events()}
    assert meant["event_id"] in written
    assert tried["event_id"] not in written


def in_the_sandbox(service, body):
    """The receipt of an event, once its publisher is in the sandbox; probes have other ids."""
    probe = {**body, "id": f"probe-{service.now().timestamp()}"}
    event_id = service.publish(probe).json()["event_id"]
    if "simulated" not in service.follow(event_id).json():
        return None
    return service.publish(body).json()


def live(service, body, tried):
    """The receipt of an event, once it is another than the one that was tried."""
    told = service.publish(body).json()
    return None if told["event_id"] == tried else told


async def test_handles_are_nobodys_and_only_those_concerned_have_one(sandbox):
    (entry,) = await entries(sandbox, a_sandbox_birth("b-1", mother="QQ000001A", father=None))

    persons = entry.resolution.persons
    assert [each.role for each in persons] == ["mother", "father"]
    assert all(each.subject.startswith("sandbox|") for each in persons)
    assert len({each.subject for each in persons}) == 2
    assert entry.resolution.case_id == ""


async def test_several_events_are_kept_together_and_each_once(sandbox, database_url):
    bodies = [a_sandbox_birth(f"b-{n}", mother=f"QQ00000{n}A") for n in (1, 2, 3)]
    told = await entries(sandbox, *bodies)

    assert await sandbox.append(told) == [1, 1, 1]
    assert await sandbox.append(told[:1]) == [1]

    kept = dict(rows_of(database_url, "SELECT event_id, role || ' ' || outcome FROM simulations"))
    assert [kept[each.event.event_id] for each in told] == [
        f"mother {outcome}" for outcome in Simulated
    ]


async def test_an_event_that_concerns_nobody_here_is_done_with_no_person(sandbox):
    (entry,) = await entries(sandbox, {**a_sandbox_birth("b-0"), "type": "taken.away.v1"})

    assert await sandbox.append([entry]) == [0]
    assert await sandbox.append([]) == []


async def test_no_more_than_role_and_outcome_is_kept(sandbox, database_url):
    body = a_sandbox_birth("b-4", mother="QQ000001A")
    await sandbox.append(await entries(sandbox, body))

    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT * FROM simulations, decided").fetchall()
    assert len(rows) == 1
    assert "QQ" not in json.dumps(rows, default=repr)


async def test_while_the_store_is_away_each_event_is_told_so(sandbox):
    told = await entries(sandbox, a_sandbox_birth("b-5"), a_sandbox_birth("b-6"))
    await sandbox._pool.close()

    answers = await sandbox.append(told)

    assert [type(each) for each in answers] == [StoreUnavailable, StoreUnavailable]
