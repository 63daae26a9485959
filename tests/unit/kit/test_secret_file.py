"""A secret comes from its file whole, or the process does not start."""

import pytest

from services.kit.run import CannotStart
from services.kit.secret_file import read_key


def test_a_key_is_read_from_hex(tmp_path):
    path = tmp_path / "key"
    path.write_text("ab" * 32 + "\n")

    assert read_key(path) == b"\xab" * 32


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "not hex"])
def test_anything_else_stops_the_start_without_being_repeated(tmp_path, text):
    path = tmp_path / "key"
    path.write_text(text)

    with pytest.raises(CannotStart) as refused:
        read_key(path)

    assert "32 random bytes in hex" in str(refused.value)
    assert not text or text not in str(refused.value)


def test_a_missing_file_stops_the_start(tmp_path):
    with pytest.raises(CannotStart, match="holds no key"):
        read_key(tmp_path / "nothing")
