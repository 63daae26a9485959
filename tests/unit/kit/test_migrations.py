"""Migration files are numbered without gaps, or nothing starts."""

import pytest

from services.kit.migrations import MigrationRefused, _files


def test_files_are_taken_in_their_order(tmp_path):
    for name in ("0002_loaves.sql", "0001_oven.sql", "README.md"):
        (tmp_path / name).write_text("")

    assert [path.name for _, path in _files(tmp_path)] == ["0001_oven.sql", "0002_loaves.sql"]


@pytest.mark.parametrize(
    "names", [["0002_b.sql"], ["0001_a.sql", "0001_b.sql"], ["1_a.sql"], ["0001_A.sql"]]
)
def test_a_gap_a_double_or_another_form_is_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("")

    with pytest.raises(MigrationRefused):
        _files(tmp_path)
