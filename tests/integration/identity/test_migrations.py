"""What was resolved before events were read as statements of entries is still known."""

from __future__ import annotations

import shutil

import psycopg
import pytest

from services.identity.bootstrap import MIGRATIONS
from services.kit.migrations import migrate
from tests.builders import BIRTH, NOW, a_birth, a_child, a_mother, a_nino
from tests.integration.identity.running import Identity

pytestmark = pytest.mark.integration

ANSWER = '{"persons": [], "case_id": "", "fenced": []}'
EVENTS = (
    "first",
    "second",
    "third",
    "alone",
    "withdrawn",
    "cancellation",
    "taken_back",
    "restored",
)
# Which event was superseded by which, whether cancelled, and whether that holds.
SUPERSEDED = (
    ("first", "second", False, True),
    ("second", "third", False, True),
    ("withdrawn", "cancellation", True, True),
    ("restored", "taken_back", True, False),
)


@pytest.fixture
async def old_url(database_url, tmp_path):
    shutil.copy(MIGRATIONS / "0001_identity.sql", tmp_path)
    await migrate(database_url, tmp_path, "identity")
    with psycopg.connect(database_url, autocommit=True) as connection:
        for event_id in EVENTS:
            row = [event_id, BIRTH, "gro", "", ANSWER, NOW]
            connection.execute(
                "INSERT INTO resolved_events VALUES (%s, %s, %s, %s, %s::jsonb, %s)", row
            )
        for before, after, cancelled, holds in SUPERSEDED:
            row = [before, after, BIRTH, "gro", cancelled, holds]
            connection.execute("INSERT INTO superseded_events VALUES (%s, %s, %s, %s, %s, %s)", row)
    return database_url


async def test_what_superseded_what_is_an_entry_and_what_was_void_stays_so(old_url):
    await migrate(old_url, MIGRATIONS, "identity")

    with psycopg.connect(old_url) as connection:
        void = connection.execute("SELECT event_id FROM void_events ORDER BY 1").fetchall()
        entries = connection.execute(
            "SELECT entry_id, array_agg(event_id ORDER BY event_id) FROM resolved_events GROUP BY 1"
        ).fetchall()
    assert [row[0] for row in void] == ["first", "second", "withdrawn"]
    assert dict(entries) == {
        "": ["alone", "restored", "taken_back"],
        "first": ["first", "second", "third"],
        "withdrawn": ["cancellation", "withdrawn"],
    }


async def test_an_older_event_is_answered_as_before_and_may_be_corrected(old_url, keys):
    await migrate(old_url, MIGRATIONS, "identity")
    persons = [a_child(), a_mother(a_nino(1))]
    removal = {"reason": "cancellation_removed", "supersedes": "cancellation"}

    async with Identity(old_url, keys) as identity:
        before = await identity.subjects.Resolve(a_birth(*persons, event_id="alone"))
        after = await identity.subjects.Resolve(a_birth(*persons, supersedes="third"))
        back = await identity.subjects.Resolve(a_birth(*persons, event_id="new", **removal))

    assert (before.standing, before.root_event_id) == ("in_force", "alone")
    assert (after.standing, after.root_event_id) == ("in_force", "first")
    assert (back.standing, back.root_event_id) == ("in_force", "new")
