"""A changed past is found."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.permission import Choice, give, withdraw
from services.identity.domain.permission_history import Entry, append, first_broken, hash_of
from tests.builders import BASIS, NOW, an_empty_set, some_terms
from tests.laws import law


def a_history(length):
    held = an_empty_set()
    entries: list[Entry] = []
    for index in range(length):
        outcome = (
            withdraw(held, "family", "hmrc") if index % 2 else give(held, some_terms(), BASIS, NOW)
        )
        last = entries[-1].hash if entries else ""
        entries += append(last, outcome.changes, NOW + timedelta(seconds=index))
        held = outcome.after
    return entries


FORGERIES = {
    "serial": lambda entry: replace(entry, serial=entry.serial + 1),
    "purpose": lambda entry: replace(entry, purpose="money"),
    "controller": lambda entry: replace(entry, controller="nhs"),
    "choice": lambda entry: replace(entry, choice=Choice.UNSAID),
    "epoch": lambda entry: replace(entry, epoch=entry.epoch + 1),
    "at": lambda entry: replace(entry, at=entry.at + timedelta(microseconds=1)),
    "signed_by": lambda entry: replace(entry, signed_by="delegate"),
    "lawful_basis": lambda entry: replace(entry, lawful_basis="public_task"),
    "channels": lambda entry: replace(entry, channels=("sms",)),
    "expires_at": lambda entry: replace(entry, expires_at=NOW),
    "agreement_hash": lambda entry: replace(entry, agreement_hash="b" * 64),
    "form": lambda entry: replace(entry, form=1),
    "hash": lambda entry: replace(entry, hash="0" * 64),
    "previous_hash": lambda entry: replace(entry, previous_hash="0" * 64),
}


@law
@given(st.integers(0, 12))
def test_an_untouched_history_verifies(length):
    entries = a_history(length)

    assert len(entries) == length
    assert first_broken(entries) is None


@law
@given(st.integers(1, 12), st.data())
def test_a_changed_entry_is_found(length, data):
    entries = a_history(length)
    index = data.draw(st.integers(0, length - 1))
    forge = FORGERIES[data.draw(st.sampled_from(sorted(FORGERIES)))]

    entries[index] = forge(entries[index])

    assert first_broken(entries) == index


@law
@given(st.integers(2, 12), st.data())
def test_a_forger_who_rehashes_one_entry_breaks_the_next(length, data):
    entries = a_history(length)
    index = data.draw(st.integers(0, length - 2))
    forged = replace(entries[index], controller="nhs")

    entries[index] = replace(forged, hash=hash_of(forged))

    assert first_broken(entries) == index + 1


@law
@given(st.integers(2, 12), st.data())
def test_a_missing_or_moved_entry_is_found(length, data):
    entries = a_history(length)
    index = data.draw(st.integers(0, length - 2))

    missing = entries[:index] + entries[index + 1 :]
    moved = [*entries[:index], entries[index + 1], entries[index], *entries[index + 2 :]]

    assert first_broken(missing) == index
    assert first_broken(moved) == index


def test_when_an_end_took_effect_is_known_later_and_breaks_nothing():
    entries = a_history(2)

    entries[1] = replace(entries[1], took_effect_at=NOW)

    assert [each.ends for each in entries] == [False, True]
    assert first_broken(entries) is None


def test_entries_of_before_are_checked_by_the_form_they_were_written_in():
    first, second = a_history(2)
    old = replace(first, form=1)
    old = replace(old, hash=hash_of(old))
    after = replace(second, previous_hash=old.hash)
    after = replace(after, hash=hash_of(after))

    assert first_broken([old, after]) is None
    assert first_broken([replace(old, choice=Choice.WITHDRAWN), after]) == 0
    assert first_broken([old, replace(after, channels=("stream",))]) == 1
