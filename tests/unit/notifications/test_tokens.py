from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.errors import CursorInvalid, PageTokenInvalid
from services.notifications.domain.tokens import PlaceTokens
from tests.unit.notifications.builders import NOW

MAIR, NIA = "m" * 26, "n" * 26
TOKENS = PlaceTokens(b"k" * 32)


def unsealed(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_leads_back_to_its_position(position: int):
    assert TOKENS.position(MAIR, TOKENS.cursor(MAIR, position)) == position


def test_the_empty_cursor_stands_before_everything():
    assert TOKENS.position(MAIR, "") == 0


def test_a_cursor_of_somebody_else_is_refused():
    with pytest.raises(CursorInvalid):
        TOKENS.position(NIA, TOKENS.cursor(MAIR, 7))


def test_a_cursor_signed_with_another_key_is_refused():
    with pytest.raises(CursorInvalid):
        TOKENS.position(MAIR, PlaceTokens(b"x" * 32).cursor(MAIR, 7))


def test_every_changed_bit_of_a_cursor_is_noticed():
    sealed = unsealed(TOKENS.cursor(MAIR, 123))
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        cursor = base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("=")
        with pytest.raises(CursorInvalid):
            TOKENS.position(MAIR, cursor)


@given(st.text(max_size=600))
def test_no_text_breaks_the_reader(text: str):
    if text:
        with pytest.raises(CursorInvalid):
            TOKENS.position(MAIR, text)
        with pytest.raises(PageTokenInvalid):
            TOKENS.after(MAIR, text)


def test_a_page_token_leads_back_to_its_entry_and_is_no_cursor():
    token = TOKENS.page(MAIR, NOW, "p" * 26)

    assert TOKENS.after(MAIR, token) == (NOW, "p" * 26)
    assert TOKENS.after(MAIR, "") is None
    with pytest.raises(CursorInvalid):
        TOKENS.position(MAIR, token)


def test_no_handle_stands_in_a_token():
    assert MAIR.encode() not in unsealed(TOKENS.cursor(MAIR, 7))
