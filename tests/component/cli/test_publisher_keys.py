"""Keys follow each other: files, ends and what the register says of them; nothing runs for that."""

from datetime import UTC, datetime, timedelta

import pytest
from joserfc.jwk import ECKey

from tests.command_line import InProcess
from tests.publisher_commands import ID, Commands


@pytest.fixture
def publishers(tmp_path):
    return Commands(tmp_path)


def thumbprint(path):
    return ECKey.import_key(path.read_bytes()).thumbprint()


def test_a_new_key_follows_the_old_one_which_counts_until_the_overlap_is_over(publishers):
    publishers.done("new", ID)
    before = thumbprint(publishers.keys / f"{ID}.private.pem")

    done = publishers.done("rotate", ID, "--overlap", "2h")

    old, new = publishers.register.entry(ID).keys
    now = datetime.now(UTC)
    assert (old.kid, new.kid, new.until) == (f"{ID}-1", f"{ID}-2", None)
    assert timedelta(hours=1, minutes=59) < old.until - now <= timedelta(hours=2)
    assert done["kid"] == new.kid
    private = publishers.keys / f"{ID}.private.pem"
    assert thumbprint(private) == thumbprint(publishers.keys / new.file) != before
    kept = publishers.keys / f"{ID}.{ID}-1.private.pem"
    assert thumbprint(kept) == thumbprint(publishers.keys / old.file) == before
    assert {kept.stat().st_mode & 0o777, private.stat().st_mode & 0o777} == {0o600}
    assert publishers.findings(ID) == {}


def test_a_followed_key_is_no_publisher_of_its_own(publishers):
    publishers.done("new", ID)
    publishers.done("rotate", ID)

    shown = publishers.done("show", ID)

    assert [key["signs_here"] for key in shown["keys"]] == [False, True]
    answer = InProcess(publishers.home)("publish", "-", "--json", stdin="{}")
    assert f"{ID}." not in answer.document["error"]["fix"]


def test_without_an_overlap_the_old_key_ends_and_its_private_half_goes(publishers):
    publishers.done("new", ID)
    publishers.done("rotate", ID, "--overlap", "1h")

    publishers.done("rotate", ID, "--overlap", "0s")

    entry = publishers.register.entry(ID)
    assert [key.kid for key in entry.keys_in_force(datetime.now(UTC))] == [f"{ID}-3"]
    assert [path.name for path in publishers.keys.glob("*.private.pem")] == [f"{ID}.private.pem"]


def test_a_rotation_that_was_cut_off_is_done_again(publishers):
    publishers.done("new", ID)
    for left_over in (f"{ID}.private.pem.new", f"{ID}.{ID}-2.public.pem"):
        (publishers.keys / left_over).write_text("half")

    publishers.done("rotate", ID)

    assert publishers.findings(ID) == {}


def test_no_more_keys_than_are_tried(publishers):
    publishers.done("new", ID)
    for _ in range(3):
        publishers.done("rotate", ID)
    before = publishers.text()

    assert publishers.refused("rotate", ID) == "too_many_keys"
    assert publishers.text() == before


def test_a_rotation_forgets_what_ended_so_long_ago_that_nothing_waits_with_it(publishers):
    publishers.done("new", ID)
    publishers.done("rotate", ID)
    ended = datetime.now(UTC) - timedelta(hours=25)
    path = publishers.register.path(ID)
    (until,) = [key.until for key in publishers.register.entry(ID).keys if key.until]
    path.write_text(path.read_text().replace(f"{until:%Y-%m-%dT%H:%M:%SZ}", f"{ended:%FT%TZ}"))

    publishers.done("rotate", ID)

    assert [key.kid for key in publishers.register.entry(ID).keys] == [f"{ID}-2", f"{ID}-3"]
    assert not (publishers.keys / f"{ID}.public.pem").exists()


def test_without_its_private_key_nothing_can_be_rotated(publishers):
    assert publishers.refused("rotate", "gro") == "publisher_key_missing"
