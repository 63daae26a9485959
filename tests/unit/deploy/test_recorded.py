"""A pid is believed only with its start time and its boot."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from deploy.local.running import recorded, state


@pytest.fixture
def myself() -> recorded.Recorded:
    found = recorded.observe(os.getpid())
    assert found is not None
    return found


def test_this_very_process_is_alive(myself: recorded.Recorded) -> None:
    assert recorded.alive(myself)


def test_another_start_time_under_the_same_pid_is_another_process(
    myself: recorded.Recorded,
) -> None:
    assert not recorded.alive(dataclasses.replace(myself, started=myself.started - 1))


def test_a_record_from_before_a_reboot_is_not_believed(myself: recorded.Recorded) -> None:
    assert not recorded.alive(dataclasses.replace(myself, boot="another boot"))


def test_a_name_with_brackets_and_spaces_does_not_shift_the_fields() -> None:
    stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 4242 1 1"

    assert recorded.parse(f"boot\n{stat}") == recorded.Recorded(pid=7, started=4242, boot="boot")


def test_a_record_survives_being_written() -> None:
    kept = recorded.Recorded(pid=7, started=4242, boot="boot")

    assert recorded.parse(kept.line()) == kept


@pytest.mark.parametrize(
    "text", ["", "boot", "boot\n", "boot\n7 (x) S 1", "boot\nx (y) S" + " 0" * 30]
)
def test_a_half_written_record_is_no_record(text: str) -> None:
    assert recorded.parse(text) is None
    assert not recorded.alive(recorded.parse(text))


def known(**changes: object) -> state.State:
    fields: dict[str, object] = {
        "complete": True,
        "sockets": "/tmp/short",
        "supervisord": "",
        "owner": None,
        "members": (),
        "endpoints": {},
        "admin_url": "",
        "database_urls": {},
    }
    return state.State(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_state_is_remembered_for_our_eyes_only(tmp_path: Path) -> None:
    member = state.Member(
        name="redis", group="stores", address="a", kind="redis", target="t", ports=(1, 2)
    )
    kept = known(members=(member,), endpoints={"redis": "a"})

    state.save(tmp_path, kept)

    assert state.load(tmp_path) == kept
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"members": 3}', '{"members": []}'])
def test_an_illegible_state_is_no_state(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)

    assert state.load(tmp_path) is None


def test_a_start_that_was_killed_half_way_is_abandoned() -> None:
    assert state.abandoned(known(complete=False))


def test_a_platform_without_owner_stays(myself: recorded.Recorded) -> None:
    assert not state.abandoned(known())
    assert not state.abandoned(known(owner=myself.line()))


def test_a_platform_whose_owner_was_killed_is_abandoned(myself: recorded.Recorded) -> None:
    gone = dataclasses.replace(myself, started=1)

    assert state.abandoned(known(owner=gone.line()))
