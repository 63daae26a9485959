"""Pages of the access log: newest first, each line once, and tokens that nobody can borrow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.access_line import AccessLine, line_id, newest_first, own_look
from services.identity.domain.errors import PageTokenInvalid
from services.identity.domain.page_token import PageTokens
from tests.laws import law

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKENS = PageTokens(b"k" * 32)


def a_line(minute: int, name: str) -> AccessLine:
    return own_look(name, "somebody", (), AT + timedelta(minutes=minute), "")


LINES = st.lists(
    st.builds(a_line, st.integers(0, 5), st.text("abc", min_size=1, max_size=2)),
    unique_by=lambda line: line.id,
)


@law
@given(LINES, st.data(), st.integers(1, 4))
def test_pages_of_two_places_hold_each_line_once_newest_first(lines, data, size):
    """Wherever each line stands, and whether in one place or in both."""
    where = [data.draw(st.sampled_from(["log", "waiting", "both"])) for _ in lines]
    log = [line for line, place in zip(lines, where, strict=True) if place != "waiting"]
    waiting = [line for line, place in zip(lines, where, strict=True) if place != "log"]
    found: list[AccessLine] = []
    after, more = None, True
    while more:
        page, more = newest_first(top(log, after, size), top(waiting, after, size), size)
        found += page
        after = page[-1].place if page else None

    assert found == sorted(lines, key=lambda line: line.place, reverse=True)


def top(lines, after, size):
    """What a page asks of each place: its newest lines behind the page before, and one more."""
    behind = [line for line in lines if after is None or line.place < after]
    return sorted(behind, key=lambda line: line.place, reverse=True)[: size + 1]


def test_the_same_read_told_again_is_the_same_line():
    assert line_id("event", "somebody") == line_id("event", "somebody")
    assert line_id("event", "somebody") != line_id("event", "somebody else")


def test_a_page_token_leads_back_to_its_line():
    place = (AT, "a" * 26)

    assert TOKENS.place("mair", TOKENS.after("mair", place)) == place
    assert TOKENS.place("mair", "") is None


@pytest.mark.parametrize("token", ["x", "!", "a" * 600, "ł", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
def test_a_made_up_token_is_refused(token):
    with pytest.raises(PageTokenInvalid):
        TOKENS.place("mair", token)


def test_a_token_is_its_persons_and_its_keys_alone():
    token = TOKENS.after("mair", (AT, "a" * 26))

    for tokens, subject in ((TOKENS, "rhys"), (PageTokens(b"l" * 32), "mair")):
        with pytest.raises(PageTokenInvalid):
            tokens.place(subject, token)
