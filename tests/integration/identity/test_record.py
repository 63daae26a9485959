"""What stays known of a person: the record, the types that were fulfilled, and corrections."""

from __future__ import annotations

import shutil
from datetime import timedelta

import grpc
import pytest

from joinedup.identity.v1 import subjects_pb2
from services.identity.adapters import catalogue_files
from services.kit.catalogue import CatalogueInvalid
from services.kit.rpc import reason_of
from services.kit.settings import REPOSITORY
from tests.builders import (
    BENEFIT,
    BIRTH,
    MOVE,
    NOW,
    a_birth,
    a_child,
    a_mother,
    a_nino,
    a_register_request,
    a_resolve_request,
)
from tests.integration.identity.running import Identity

pytestmark = pytest.mark.integration

PROBE = "benefit.record.probed.v1"
FIELDS = "derived_record: [universal_credit_from, sex]"


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """The catalogue and one more type, which may see two record fields."""
    folder = tmp_path_factory.mktemp("catalogue") / "catalogue"
    shutil.copytree(REPOSITORY / "catalogue", folder)
    benefit = (folder / "events" / f"{BENEFIT}.yaml").read_text()
    probe = benefit.replace(BENEFIT, PROBE).replace("examples:", f"{FIELDS}\nexamples:")
    probe = probe.replace("record: [postcode]", "record: [postcode, other_names]")
    (folder / "events" / f"{PROBE}.yaml").write_text(probe)
    return folder


@pytest.fixture
async def identity(emptied_url, keys, catalogue):
    made = Identity(emptied_url, keys)
    made.catalogue = catalogue
    async with made as running:
        yield running


def a_benefit(number, award_from="2026-11-01", type_=BENEFIT, **changed):
    claimant = subjects_pb2.Person(role="claimant", identifiers=[a_nino(number)])
    facts = {"award_from": award_from, "has_children": True}
    return a_resolve_request(type_, [claimant], facts, **{"publisher": "dwp"} | changed)


async def probed(identity, number=1):
    """What a type that may see them is told now."""
    [person] = (await identity.subjects.Resolve(a_benefit(number, type_=PROBE))).persons
    return person


async def told_before(identity, number=1):
    """The same, through a probe whose own facts are cancelled at once."""
    request = a_benefit(number, type_=PROBE)
    answer = await identity.subjects.Resolve(
        a_benefit(number, type_=PROBE, reason="cancelled", supersedes=request.event_id)
    )
    return answer.persons[0]


async def test_a_type_sees_the_record_fields_it_declares_and_no_others(identity):
    person = subjects_pb2.Person(identifiers=[a_nino(1)], sex="F", postcode="CF10 1AA")
    await identity.register(a_register_request(person=person))
    await identity.subjects.Resolve(a_benefit(1, "2026-10-01"))

    seen = await told_before(identity)

    assert dict(seen.record) == {"universal_credit_from": "2026-10-01", "sex": "F"}
    plain = await identity.subjects.Resolve(a_benefit(1))
    assert dict(plain.persons[0].record) == {}


async def test_a_record_field_says_where_it_comes_from(identity):
    request = a_birth(a_child(), a_mother(a_nino(1)))
    await identity.subjects.Resolve(request)

    async with identity.pool.connection() as connection:
        rows = await (
            await connection.execute(
                "SELECT field, source_event, controller, occurred, registered_at, lawful_basis"
                " FROM record_fields WHERE field = 'postcode'"
            )
        ).fetchall()

    assert rows == [
        ("postcode", request.event_id, "gro", "2026-11-18", NOW, "public_task"),
    ]


async def test_other_names_are_kept_where_the_type_says_so(identity):
    parry = subjects_pb2.PersonName(given=["Mair"], family="Parry")
    names = [subjects_pb2.OtherName(name=parry, kind="birth")]
    claimant = subjects_pb2.Person(role="claimant", identifiers=[a_nino(1)], other_names=names)
    facts = {"award_from": "2026-11-01", "has_children": True}
    for type_ in (BENEFIT, PROBE):
        await identity.subjects.Resolve(a_resolve_request(type_, [claimant], facts))

    async with identity.pool.connection() as connection:
        query = "SELECT value FROM record_fields WHERE field = 'other_names'"
        rows = await (await connection.execute(query)).fetchall()

    assert rows == [([{"kind": "birth", "given": ["Mair"], "family": "Parry"}],)]


async def test_what_the_register_wrote_last_is_believed_whenever_it_comes(identity):
    later = NOW + timedelta(days=1)
    await identity.subjects.Resolve(a_benefit(1, "2026-12-01", registered_at=later))
    await identity.subjects.Resolve(a_benefit(1, "2026-10-01", registered_at=NOW))

    seen = await told_before(identity)

    assert seen.record["universal_credit_from"] == "2026-12-01"


async def test_age_comes_from_the_record_where_the_event_does_not_say(identity):
    await identity.subjects.Resolve(a_birth(a_child(), a_mother(a_nino(1))))

    assert (await probed(identity)).age_years == 32
    unknown = await probed(identity, 2)
    assert not unknown.HasField("age_years")


async def test_types_are_fulfilled_once_each_and_not_by_the_event_itself(identity):
    birth = a_birth(a_child(), a_mother(a_nino(1)))
    first = await identity.subjects.Resolve(birth)
    await identity.subjects.Resolve(a_birth(a_child("Ben"), a_mother(a_nino(1))))
    benefit = await identity.subjects.Resolve(a_benefit(1))

    assert list(first.persons[0].fulfilled_types) == []
    assert list(benefit.persons[0].fulfilled_types) == [BIRTH]
    assert list((await probed(identity)).fulfilled_types) == sorted([BENEFIT, BIRTH])


async def test_a_cancelled_event_is_no_longer_so_until_that_is_taken_back(identity):
    benefit = a_benefit(1, "2026-10-01")
    await identity.subjects.Resolve(benefit)
    cancel = a_benefit(1, reason="cancelled", supersedes=benefit.event_id)

    cancelled = await identity.subjects.Resolve(cancel)
    seen = await told_before(identity)

    assert list(cancelled.persons[0].fulfilled_types) == []
    assert list(seen.fulfilled_types) == []
    assert "universal_credit_from" not in seen.record

    for before in (benefit.event_id, cancel.event_id):
        restored = await identity.subjects.Resolve(
            a_benefit(1, reason="cancellation_removed", supersedes=before)
        )
        assert list(restored.persons[0].fulfilled_types) == [BENEFIT]
    assert (await told_before(identity)).record["universal_credit_from"] == "2026-10-01"


async def test_a_cancellation_that_comes_first_holds_when_its_event_comes(identity):
    benefit = a_benefit(1)
    await identity.subjects.Resolve(a_benefit(1, reason="cancelled", supersedes=benefit.event_id))

    await identity.subjects.Resolve(benefit)

    assert list((await told_before(identity)).fulfilled_types) == []


async def test_a_correction_replaces_what_it_corrects(identity):
    wrong = a_benefit(1, "2026-10-01")
    await identity.subjects.Resolve(wrong)

    corrected = await identity.subjects.Resolve(
        a_benefit(2, "2026-10-02", reason="formal_correction", supersedes=wrong.event_id)
    )

    assert list(corrected.persons[0].fulfilled_types) == []
    assert list((await told_before(identity, 1)).fulfilled_types) == []
    assert list((await told_before(identity, 2)).fulfilled_types) == [BENEFIT]


async def test_nobody_cancels_what_another_publisher_said(identity):
    birth = a_birth(a_child(), a_mother(a_nino(1)))
    await identity.subjects.Resolve(birth)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await identity.subjects.Resolve(
            a_birth(
                *(a_child(), a_mother(a_nino(1))),
                publisher="nrs",
                reason="cancelled",
                supersedes=birth.event_id,
            )
        )

    assert reason_of(refused.value) == "supersedes_another"


async def test_a_strangers_cancellation_that_came_first_counts_for_nothing(identity):
    birth = a_birth(a_child(), a_mother(a_nino(1)))
    persons = (a_child(), a_mother(a_nino(1)))
    await identity.subjects.Resolve(
        a_birth(*persons, publisher="nrs", reason="cancelled", supersedes=birth.event_id)
    )

    await identity.subjects.Resolve(birth)

    assert list((await probed(identity)).fulfilled_types) == [BIRTH]


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("role: deceased, flag", "role: ghost, flag", "role_unknown"),
        ("on_log: []", "derived_record: [postcode]\non_log: []", "field_forbidden"),
        ("fences:", "case: {kind: child, anchor: child, members: [x]}\nfences:", "role_unknown"),
    ],
)
def test_a_type_that_contradicts_itself_is_named_with_its_line(tmp_path, before, after, code):
    folder = tmp_path / "catalogue"
    shutil.copytree(REPOSITORY / "catalogue", folder)
    death = folder / "events" / "civil-registration.death.registered.v1.yaml"
    text = death.read_text()
    assert before in text
    death.write_text(text.replace(before, after))

    with pytest.raises(CatalogueInvalid) as refused:
        catalogue_files.event_types(folder)

    assert {problem.code for problem in refused.value.problems} == {code}
    assert refused.value.problems[0].line > 1


def test_a_type_stands_in_one_file_only(tmp_path):
    folder = tmp_path / "catalogue"
    shutil.copytree(REPOSITORY / "catalogue", folder)
    shutil.copy(folder / "events" / f"{MOVE}.yaml", folder / "events" / "again.yaml")

    with pytest.raises(CatalogueInvalid) as refused:
        catalogue_files.event_types(folder)

    assert [problem.code for problem in refused.value.problems] == ["duplicate_id"]
