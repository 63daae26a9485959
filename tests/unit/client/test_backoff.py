"""Waits double, are cut by a jitter, end at a longest, and honour what a server asks for."""

import pytest

from joinedup.client.backoff import Backoff, retry_after

NOW = 1_795_435_200.0  # Mon, 23 Nov 2026 12:00:00 GMT


def test_without_jitter_waits_double_up_to_the_longest():
    backoff = Backoff(first=0.1, longest=1.0, jitter=lambda: 0.0)

    assert [backoff.delay(tries) for tries in range(1, 7)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_jitter_cuts_a_wait_by_half_at_most():
    backoff = Backoff(first=1.0, jitter=lambda: 1.0)

    assert backoff.delay(1) == 0.5


def test_after_very_many_tries_a_wait_is_still_the_longest():
    assert Backoff(longest=5.0, jitter=lambda: 0.0).delay(10_000) == 5.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 2 ", 2.0),
        ("86400", 60.0),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(header, seconds):
    assert retry_after(header, NOW) == seconds
