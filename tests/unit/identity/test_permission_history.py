"""A changed past is found."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.permission import Choice, give, withdraw
from services.identity.domain.permission_history import Entry, append, first_broken, hash_of
from tests.builders import NOW, an_empty_set, some_terms
from tests.laws import law


def a_history(length):
    held = an_empty_set()
    entries: list[Entry] = []
    for index in range(length):
        outcome = withdraw(held, "family", "hmrc") if index % 2 else give(held, some_terms(), NOW)
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
