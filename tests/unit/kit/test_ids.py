"""Ids are 26 lower-case base32 characters, and never the same twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.ids import is_id, new_random_id


def test_new_ids_have_the_form_of_ids_and_differ():
    made = {new_random_id() for _ in range(1000)}

    assert len(made) == 1000
    assert all(is_id(each) for each in made)


def test_every_character_of_an_id_is_random():
    made = [new_random_id() for _ in range(500)]

    varieties = [len({each[place] for each in made}) for place in range(26)]

    assert min(varieties) == 32


@pytest.mark.parametrize(
    "text", ["", "a" * 25, "a" * 27, "A" * 26, "a" * 25 + "1", "a" * 25 + "\n", "a" * 26 + "\n"]
)
def test_other_forms_are_no_ids(text):
    assert not is_id(text)


@given(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26))
def test_the_form_alone_decides(text):
    assert is_id(text)
