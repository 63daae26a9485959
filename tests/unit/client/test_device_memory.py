"""A device that crashes anywhere forgets nothing it has confirmed or shown."""

import contextlib

import pytest

from joinedup.client import DeviceMemory

PROMPT, OTHER = "a" * 26, "b" * 26


@pytest.fixture
def path(tmp_path):
    return tmp_path / "devices" / "mair.jsonl"


@pytest.fixture
def start(path):
    """Starts the device anew; the process before it is gone without a word."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(DeviceMemory(path))


def test_what_was_remembered_is_there_after_a_crash(start):
    memory = start()
    memory.remember(PROMPT, "cursor-1")
    found = start()

    assert found.seen(PROMPT)
    assert found.cursor == "cursor-1"
    assert not found.seen(OTHER)


def test_what_was_not_confirmed_is_known_after_a_crash(start):
    memory = start()
    memory.remember(PROMPT, "1")
    memory.remember(OTHER, "2")
    memory.confirm(PROMPT)

    assert start().unconfirmed() == (OTHER,)


def test_a_line_that_was_cut_counts_as_not_written(path, start):
    memory = start()
    memory.remember(PROMPT, "1")
    memory.remember(OTHER, "2")
    memory.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])

    found = start()
    assert found.seen(PROMPT)
    assert not found.seen(OTHER)
    assert found.cursor == "1"

    found.remember(OTHER, "3")
    assert start().seen(OTHER)


def test_a_prompt_that_comes_again_is_still_confirmed(start):
    memory = start()
    memory.remember(PROMPT, "1")
    memory.confirm(PROMPT)
    memory.remember(PROMPT, "2")

    assert memory.unconfirmed() == ()
    assert memory.cursor == "2"


def test_losing_the_place_keeps_what_was_seen(start):
    memory = start()
    memory.remember(PROMPT, "1")
    memory.lose_place()

    found = start()
    assert found.cursor == ""
    assert found.seen(PROMPT)


def test_the_file_does_not_grow_with_every_start(path):
    memory = DeviceMemory(path)
    for number in range(50):
        memory.remember(PROMPT, str(number))
        memory.confirm(PROMPT)
    memory.close()
    DeviceMemory(path).close()

    assert len(path.read_text().splitlines()) == 3


def test_without_a_path_it_lives_in_the_process():
    memory = DeviceMemory(None)
    memory.remember(PROMPT, "1")

    assert memory.seen(PROMPT)
    memory.close()
