"""Which language a page speaks, and how it writes dates."""

from datetime import UTC, datetime

import pytest

from services.portal.domain.language import (
    chosen_language,
    day_in_words,
    hour_and_minute,
    to_the_second,
)


@pytest.mark.parametrize(
    ("asked", "kept", "language"),
    [
        (None, None, "en"),
        ("cy", None, "cy"),
        (None, "cy", "cy"),
        ("en", "cy", "en"),
        ("fr", "cy", "cy"),
        ("<script>", None, "en"),
    ],
)
def test_what_is_asked_comes_before_what_is_kept(asked, kept, language):
    assert chosen_language(asked, kept) == language


def test_dates_are_written_in_words_of_the_country():
    late = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)

    assert day_in_words(late, "en") == "1 July 2026"
    assert day_in_words(late, "cy") == "1 Gorffennaf 2026"


def test_times_are_the_countrys_summer_and_winter():
    assert hour_and_minute(datetime(2026, 7, 1, 13, 3, 7, tzinfo=UTC)) == "14:03"
    assert to_the_second(datetime(2026, 12, 1, 14, 3, 7, tzinfo=UTC)) == "14:03:07"
