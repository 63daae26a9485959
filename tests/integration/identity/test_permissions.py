"""What a person permits, through the calls a device makes."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from joinedup.identity.v1 import permission_set_pb2 as sets
from joinedup.identity.v1 import permissions_pb2 as pb
from services.identity.adapters import catalogue_files
from services.identity.domain.permission_history import first_broken
from services.identity.handlers.choices import end_expired
from services.kit.ids import new_random_id
from services.kit.rpc import fields_of, reason_of
from tests.builders import a_nino, a_register_request

pytestmark = pytest.mark.integration


@pytest.fixture
def agreement(identity):
    return catalogue_files.agreements(identity.catalogue).current["family", "hmrc"]


@pytest.fixture
def a_give(agreement):
    def request(**changed):
        about = {"purpose": "family", "controller": "hmrc", "agreement_hash": agreement.hash}
        return pb.GiveRequest(**about | changed)

    return request


async def refusal(call):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value.code(), reason_of(refused.value)


@pytest.mark.parametrize(("language", "purpose"), [("en", "Family and children"), ("cy", "Teulu")])
async def test_offers_are_in_the_language_asked_for(identity, mair, agreement, language, purpose):
    listed = await identity.permissions_of(mair).List(pb.ListRequest(language=language))

    [offer] = [o for o in listed.offers if (o.purpose, o.controller) == ("family", "hmrc")]
    assert offer.purpose_name.startswith(purpose)
    assert offer.text == agreement.text[language]
    assert offer.agreement_hash == agreement.hash
    assert len(listed.offers) == len(catalogue_files.agreements(identity.catalogue).current)


async def test_another_language_is_refused(identity, mair):
    listing = identity.permissions_of(mair).List(pb.ListRequest(language="fr"))

    assert await refusal(listing) == (grpc.StatusCode.INVALID_ARGUMENT, "value_not_allowed")


async def test_given_stands_until_withdrawn_and_the_epoch_tells(identity, mair):
    given = await identity.give(mair)
    withdrawn = await identity.withdraw(mair)
    again = await identity.give(mair)

    assert (given.serial, given.permission.epoch) == (1, 0)
    assert given.permission.choice == sets.CHOICE_GIVEN
    assert list(given.permission.channels) == ["inbox", "stream"]
    assert given.permission.lawful_basis == "explicit_consent"
    assert (withdrawn.serial, withdrawn.permission.epoch) == (2, 1)
    assert withdrawn.permission.choice == sets.CHOICE_WITHDRAWN
    assert (again.serial, again.permission.epoch) == (3, 1)
    [held] = await identity.snapshot(mair)
    assert held.serial == 3
    assert list(held.permissions) == [again.permission]


async def test_giving_twice_the_same_changes_nothing(identity, mair):
    first, second = await identity.give(mair), await identity.give(mair)

    assert first == second
    history = await identity.permissions_of(mair).History(pb.HistoryRequest())
    assert len(history.changes) == 1


async def test_withdrawing_what_was_never_given_is_a_no_at_once(identity, mair):
    answer = await identity.withdraw(mair)

    assert answer.permission.choice == sets.CHOICE_UNSPECIFIED
    assert (answer.permission.epoch, answer.serial, answer.outstanding) == (0, 0, 0)
    assert answer.HasField("took_effect_at")


async def test_withdrawing_twice_says_when_the_first_took_effect(identity, mair):
    await identity.give(mair)
    first, second = await identity.withdraw(mair), await identity.withdraw(mair)

    assert first == second
    assert first.HasField("took_effect_at")


async def test_objecting_ends_what_was_given_and_says_since_when(identity, mair):
    await identity.give(mair)

    objected = await identity.object(mair)

    assert (objected.serial, objected.permission.epoch) == (2, 1)
    assert objected.permission.choice == sets.CHOICE_OBJECTED
    assert objected.HasField("took_effect_at")
    assert await identity.object(mair) == objected
    again = await identity.give(mair)
    assert (again.permission.choice, again.permission.epoch) == (sets.CHOICE_GIVEN, 1)


async def test_who_was_never_asked_may_object_and_it_holds_at_once(identity, mair):
    objected = await identity.object(mair)
    withdrawn = await identity.withdraw(mair)

    assert (objected.permission.choice, objected.permission.epoch) == (sets.CHOICE_OBJECTED, 0)
    assert objected.HasField("took_effect_at")
    assert objected.outstanding == 0
    assert withdrawn.permission == objected.permission
    assert withdrawn.serial == objected.serial == 1
    assert await identity.book.pending_handles(10) == []


async def test_a_no_after_a_no_still_says_when_the_first_took_effect(identity, mair):
    await identity.give(mair)
    withdrawn = await identity.withdraw(mair)

    objected = await identity.object(mair)

    assert objected.took_effect_at == withdrawn.took_effect_at
    assert objected.permission.epoch == withdrawn.permission.epoch


async def test_the_list_says_what_ended_and_since_when_it_holds(identity, mair):
    await identity.give(mair)
    await identity.give(mair, "money", "dwp")
    withdrawn = await identity.withdraw(mair)
    await identity.object(mair, purpose="work", controller="dwp")

    listed = await identity.permissions_of(mair).List(pb.ListRequest())

    effects = {(each.purpose, each.controller): each for each in listed.effects}
    assert set(effects) == {("family", "hmrc"), ("work", "dwp")}
    assert effects["family", "hmrc"].took_effect_at == withdrawn.took_effect_at
    assert effects["work", "dwp"].HasField("took_effect_at")
    bases = {(o.purpose, o.controller): o.lawful_basis for o in listed.offers}
    assert bases["money", "dwp"] == "public_task"


async def test_one_purpose_of_one_department_says_nothing_about_others(identity, mair):
    await identity.give(mair)
    await identity.give(mair, "money", "hmrc")
    await identity.give(mair, "family", "nhs")

    await identity.withdraw(mair)

    [held] = await identity.snapshot(mair)
    choices = {(row.purpose, row.controller): row.choice for row in held.permissions}
    assert choices == {
        ("family", "hmrc"): sets.CHOICE_WITHDRAWN,
        ("family", "nhs"): sets.CHOICE_GIVEN,
        ("money", "hmrc"): sets.CHOICE_GIVEN,
    }


async def test_a_change_on_an_older_view_is_refused(identity, mair, a_give):
    await identity.give(mair)
    person = identity.permissions_of(mair)
    stale = (grpc.StatusCode.ABORTED, "serial_stale")

    assert await refusal(person.Give(a_give(if_serial=7))) == stale
    assert await refusal(identity.withdraw(mair, if_serial=7)) == stale
    assert await refusal(identity.object(mair, if_serial=7)) == stale
    assert (await identity.withdraw(mair, if_serial=1)).serial == 2


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"purpose": "gambling"}, ("INVALID_ARGUMENT", "offer_unknown")),
        ({"controller": "*"}, ("INVALID_ARGUMENT", "offer_unknown")),
        ({"agreement_hash": "0" * 64}, ("FAILED_PRECONDITION", "agreement_changed")),
        ({"agreement_hash": ""}, ("FAILED_PRECONDITION", "agreement_changed")),
        ({"channels": ["letter"]}, ("INVALID_ARGUMENT", "channel_unknown")),
        ({"expires_at": Timestamp(seconds=1)}, ("INVALID_ARGUMENT", "time_past")),
        ({"expires_at": Timestamp(seconds=-(10**15))}, ("INVALID_ARGUMENT", "time_invalid")),
    ],
)
async def test_what_cannot_be_agreed_to_is_refused(identity, mair, a_give, changed, refused):
    giving = identity.permissions_of(mair).Give(a_give(**changed))

    assert await refusal(giving) == (grpc.StatusCode[refused[0]], refused[1])
    [held] = await identity.snapshot(mair)
    assert held.serial == 0


async def test_an_unknown_offer_cannot_be_withdrawn_either(identity, mair):
    unknown = (grpc.StatusCode.INVALID_ARGUMENT, "offer_unknown")

    assert await refusal(identity.withdraw(mair, purpose="gambling")) == unknown
    assert await refusal(identity.object(mair, controller="*")) == unknown


async def test_what_is_no_longer_offered_can_still_be_taken_back(identity, mair):
    await identity.give(mair)
    async with identity.pool.connection() as connection:
        await connection.execute("UPDATE permissions SET controller = 'abolished'")

    withdrawn = await identity.withdraw(mair, controller="abolished")

    assert withdrawn.permission.choice == sets.CHOICE_WITHDRAWN


async def test_a_token_of_nobody_here_finds_nobody(identity, a_give):
    nobody = new_random_id()
    person = identity.permissions_of(nobody)
    unknown = (grpc.StatusCode.NOT_FOUND, "person_unknown")

    assert await refusal(person.List(pb.ListRequest())) == unknown
    assert await refusal(person.Give(a_give())) == unknown
    assert await refusal(identity.withdraw(nobody)) == unknown


async def test_changes_at_once_take_turns(identity, mair):
    async def flip(index):
        return await (identity.give(mair) if index % 2 else identity.withdraw(mair))

    await asyncio.gather(*(flip(index) for index in range(24)))

    [held] = await identity.snapshot(mair)
    entries = await identity.history(mair)
    assert [entry.serial for entry in entries] == list(range(1, held.serial + 1))
    assert first_broken(entries) is None
    withdrawals = [entry for entry in entries if entry.choice.value == "withdrawn"]
    assert held.permissions[0].epoch == len(withdrawals) == held.serial // 2


async def test_history_is_a_chain_the_person_can_check(identity, mair):
    await identity.give(mair)
    await identity.withdraw(mair)
    await identity.give(mair, "money", "dwp")

    changes = (await identity.permissions_of(mair).History(pb.HistoryRequest())).changes

    assert [(c.serial, c.purpose, c.choice, c.epoch, c.signed_by) for c in changes] == [
        (1, "family", sets.CHOICE_GIVEN, 0, "self"),
        (2, "family", sets.CHOICE_WITHDRAWN, 1, "self"),
        (3, "money", sets.CHOICE_GIVEN, 0, "self"),
    ]
    assert [c.previous_hash for c in changes] == ["", changes[0].hash, changes[1].hash]
    assert [c.ends for c in changes] == [False, True, False]
    assert [c.HasField("took_effect_at") for c in changes] == [False, True, False]
    assert [list(c.channels) for c in changes] == [["inbox", "stream"], [], ["inbox", "stream"]]
    assert [_hash_as_documented(c) for c in changes] == [c.hash for c in changes]
    assert first_broken(await identity.history(mair)) is None


def _hash_as_documented(change):
    """What a person works out from the answer alone, by the words of the contract."""

    def moment(field):
        if not change.HasField(field):
            return ""
        return getattr(change, field).ToDatetime().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    choice = {1: "given", 2: "withdrawn", 3: "objected"}[change.choice]
    row = [change.previous_hash, change.serial, change.purpose, change.controller, choice]
    signed = [change.epoch, moment("at"), change.signed_by]
    terms = [change.lawful_basis, list(change.channels), moment("expires_at")]
    text = json.dumps([*row, *signed, *terms, change.agreement_hash], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


async def test_a_change_made_behind_our_back_breaks_the_chain(identity, mair):
    await identity.give(mair)
    await identity.withdraw(mair)
    async with identity.pool.connection() as connection:
        await connection.execute("UPDATE permission_history SET epoch = 0 WHERE serial = 2")

    assert first_broken(await identity.history(mair)) == 1


async def test_nobody_sees_the_history_of_another(identity, mair):
    await identity.give(mair)
    other = (await identity.register(a_register_request(a_nino(2)))).subject

    history = await identity.permissions_of(other).History(pb.HistoryRequest())

    assert list(history.changes) == []


async def test_a_snapshot_answers_in_the_order_asked_and_for_strangers_too(identity, mair):
    await identity.give(mair)
    stranger = new_random_id()

    found = await identity.snapshot(stranger, mair, stranger)

    assert [each.subject for each in found] == [stranger, mair, stranger]
    assert [each.serial for each in found] == [0, 1, 0]


async def test_a_snapshot_has_its_limit(identity):
    asking = identity.snapshot(*("a" * 26 for _ in range(501)))

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asking

    assert fields_of(refused.value) == [("subjects", "list_too_long")]
    assert len(await identity.snapshot(*("a" * 26 for _ in range(500)))) == 500


async def test_people_and_services_stay_on_their_sides(identity, mair):
    person = identity.permissions_of(mair)
    service = identity.services
    denied = (grpc.StatusCode.PERMISSION_DENIED, "caller_not_allowed")

    assert await refusal(person.Snapshot(pb.SnapshotRequest(subjects=[mair]))) == denied
    assert await refusal(service.List(pb.ListRequest())) == denied
    assert await refusal(service.Withdraw(pb.WithdrawRequest())) == denied


async def test_a_permission_whose_time_is_over_ends(identity, mair, a_give):
    ends = identity.clock.now() + timedelta(hours=1)
    await identity.permissions_of(mair).Give(a_give(expires_at=ends))

    assert await end_expired(identity.store, ends - timedelta(seconds=1)) == 0
    assert await end_expired(identity.store, ends) == 1
    assert await end_expired(identity.store, ends + timedelta(days=1)) == 0

    [held] = await identity.snapshot(mair)
    assert (held.serial, held.permissions[0].epoch) == (2, 1)
    history = await identity.history(mair)
    assert [entry.signed_by for entry in history] == ["self", "expiry"]
    assert await identity.book.pending_handles(10) == [mair]


async def test_at_once_expired_and_given_again_ends_once(identity, mair, a_give):
    ends = identity.clock.now() + timedelta(hours=1)
    await identity.permissions_of(mair).Give(a_give(expires_at=ends))

    await asyncio.gather(*(end_expired(identity.store, ends) for _ in range(5)))

    [held] = await identity.snapshot(mair)
    assert (held.serial, held.permissions[0].epoch) == (2, 1)
