"""Matching by identifiers without keeping them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.errors import FieldInvalid
from services.identity.domain.identifier import (
    SCHEMES,
    Fingerprints,
    Identifier,
    Match,
    check_identifier,
    match,
)

PRINTS = Fingerprints(b"k" * 32)
NINO = PRINTS.of_identifier(Identifier("nino", "QQ123456C"))
UTR = PRINTS.of_identifier(Identifier("utr", "1234567890"))


@pytest.mark.parametrize("written", ["QQ123456C", "qq123456c", "QQ 12 34 56 C", " qq12\t3456c "])
def test_spacing_and_case_do_not_matter(written):
    assert PRINTS.of_identifier(Identifier("nino", written)) == NINO


@given(st.sampled_from(SCHEMES), st.text(min_size=1), st.sampled_from(SCHEMES), st.text(min_size=1))
def test_other_identifiers_have_other_digests(scheme, value, other_scheme, other_value):
    one = PRINTS.of_identifier(Identifier(scheme, value))
    other = PRINTS.of_identifier(Identifier(other_scheme, other_value))
    same = (scheme, "".join(value.split()).upper()) == (
        other_scheme,
        "".join(other_value.split()).upper(),
    )

    assert (one.digest == other.digest) == same


def test_another_key_makes_another_digest():
    assert Fingerprints(b"j" * 32).of_identifier(Identifier("nino", "QQ123456C")) != NINO


def test_an_identifier_is_no_forename():
    assert PRINTS.of_forename("1234567890") != UTR.digest


def test_a_forename_is_the_same_in_capitals():
    assert PRINTS.of_forename("SIÂN") == PRINTS.of_forename("Siân ")
    assert PRINTS.of_forename("Sian") != PRINTS.of_forename("Siân")


def test_nobody_known_matches_nobody():
    assert match([NINO, UTR], {}) == Match(None, conflict=False)


def test_one_known_identifier_is_enough():
    assert match([NINO, UTR], {UTR.digest: "h1"}) == Match("h1", conflict=False)


@pytest.mark.parametrize("order", [[NINO, UTR], [UTR, NINO]])
def test_of_two_that_disagree_the_stronger_is_believed(order):
    known = {UTR.digest: "h1", NINO.digest: "h2"}

    assert match(order, known) == Match("h2", conflict=True)


@pytest.mark.parametrize(
    ("identifier", "path", "code"),
    [
        (Identifier("passport", "1"), "person.scheme", "scheme_unknown"),
        (Identifier("nino", " \t"), "person.value", "field_required"),
    ],
)
def test_what_cannot_be_matched_is_refused_without_its_value(identifier, path, code):
    with pytest.raises(FieldInvalid) as refused:
        check_identifier(identifier, "person")

    assert (refused.value.path, refused.value.code) == (path, code)


def test_nothing_that_is_printed_shows_a_value():
    assert "QQ123456C" not in repr(Identifier("nino", "QQ123456C"))
    assert repr(NINO) == "Fingerprint(scheme='nino')"
