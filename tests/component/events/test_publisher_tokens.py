"""Whom a token speaks for: by which key, at which moment, and as long as the register says so."""

from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from services.events.adapters.publisher_tokens import PublisherTokens
from services.events.domain.admission import Assertion
from services.events.domain.errors import NotAuthenticated
from services.events.domain.publisher import read_publisher
from services.kit.clock import ManualClock
from services.kit.service_tokens import generate_keypair

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)


class Department:
    """A publisher with three keys, of which the register names what a test tells it to."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = ManualClock(NOW)
        self.entries = {}
        for number in (1, 2, 3):
            generate_keypair(self.file(number, "private"), self.file(number, "public"))
        self.tokens = PublisherTokens(self.publisher, folder, self.clock.now)

    def file(self, number, which):
        return self.folder / f"gro-{number}.{which}.pem"

    def register(self, *numbers, until=None, **changed):
        """Name keys by their numbers; `until` ends each of some, by number."""
        keys = [
            {"kid": f"gro-{number}", "file": f"gro-{number}.public.pem"}
            | ({"until": until[number].isoformat()} if until and number in until else {})
            for number in numbers
        ]
        entry = {"id": "gro", "sources": ["urn:a"], "types": ["b"], "keys": keys}
        self.entries["gro"] = read_publisher(entry | changed)

    def publisher(self, name):
        return self.entries.get(name)

    def header(self, number, kid=None, at=None, issuer="gro", **claims):
        issued = int((at or self.clock.now()).timestamp())
        payload = {
            "iss": issuer,
            "aud": "joinedup-events",
            "iat": issued,
            "exp": issued + 120,
            "jti": "j-1",
        }
        headers = {"alg": "ES256", "typ": "publisher+jwt"} | ({"kid": kid} if kid else {})
        key = ECKey.import_key(self.file(number, "private").read_bytes())
        return f"Bearer {jwt.encode(headers, payload | claims, key)}"

    def refusal(self, header, at=None):
        with pytest.raises(NotAuthenticated) as refused:
            self.tokens.assertion_at(header, at or self.clock.now())
        return refused.value.reason


@pytest.fixture
def gro(tmp_path):
    return Department(tmp_path)


def test_a_token_without_a_key_id_is_held_to_every_key_in_force(gro):
    gro.register(1, 2)

    found = [gro.tokens.assertion(gro.header(number)).kid for number in (1, 2)]

    assert found == ["gro-1", "gro-2"]
    assert gro.refusal(gro.header(3)) == "token_key"


def test_a_token_with_a_key_id_is_held_to_that_key_alone(gro):
    gro.register(1, 2)

    assert gro.tokens.assertion(gro.header(2, kid="gro-2")).kid == "gro-2"
    assert gro.refusal(gro.header(2, kid="gro-1")) == "token_key"
    assert gro.refusal(gro.header(2, kid="gro-9")) == "token_key"


def test_the_assertion_says_who_which_and_until_when(gro):
    gro.register(1)

    assertion = gro.tokens.assertion(gro.header(1, jti="once"))

    assert assertion == Assertion("gro", "once", NOW + timedelta(seconds=120), "gro-1")


@pytest.mark.parametrize(
    ("claims", "scope"),
    [
        ({}, None),
        ({"scope": "a.b.v1"}, {"a.b.v1"}),
        ({"scope": "a.b.v1 c-d.e.f.v12 a.b.v1"}, {"a.b.v1", "c-d.e.f.v12"}),
    ],
)
def test_a_scope_names_the_types_it_leaves(gro, claims, scope):
    gro.register(1)

    assert gro.tokens.assertion(gro.header(1, **claims)).scope == scope


@pytest.mark.parametrize(
    "scope",
    [
        *(
            "",
            " ",
            "*",
            "a.*",
            "event:*",
            "a.b.v1 *",
            "a.b.v1  c.d.v1",
            " a.b.v1",
            "a.b.v1\tc.d.v1",
        ),
        *(
            "A.B.v1",
            "a.b.v1,c.d.v1",
            "openid",
            "a..v1",
            None,
            1,
            True,
            ["a.b.v1"],
            {"a.b.v1": True},
        ),
    ],
)
def test_a_scope_that_is_no_list_of_names_is_refused(gro, scope):
    gro.register(1)

    assert gro.refusal(gro.header(1, scope=scope)) == "invalid_scope"


def test_a_token_that_is_bound_to_a_key_is_refused_as_nobody_shows_one(gro):
    gro.register(1)
    certificate = {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}

    assert gro.refusal(gro.header(1, cnf=certificate)) == "token_binding"
    assert gro.refusal(gro.header(1, cnf=None)) == "token_binding"


def test_in_the_overlap_both_keys_count_and_after_it_the_new_one_alone(gro):
    gro.register(1, 2, until={1: TOMORROW})
    for number in (1, 2):
        assert gro.tokens.assertion(gro.header(number)).kid == f"gro-{number}"

    gro.clock.set(TOMORROW)

    assert gro.refusal(gro.header(1)) == "token_key"
    assert gro.refusal(gro.header(1, kid="gro-1")) == "token_key"
    assert gro.tokens.assertion(gro.header(2)).kid == "gro-2"


def test_suspended_unknown_and_signed_with_another_key_are_refused_alike(gro):
    gro.register(1)
    wrong = gro.refusal(gro.header(2))
    unknown = gro.refusal(gro.header(1, issuer="nobody"))

    gro.register(1, suspended=True)

    assert {wrong, unknown, gro.refusal(gro.header(1))} == {"token_key"}


def test_a_refused_key_is_told_before_anything_else_that_is_wrong(gro):
    gro.register(1, suspended=True)

    assert gro.refusal(gro.header(1, aud="elsewhere", exp=0)) == "token_key"


def test_a_key_file_that_is_gone_or_broken_does_not_keep_the_others_from_counting(gro):
    gro.register(1, 2, 3)
    gro.file(1, "public").unlink()
    gro.file(2, "public").write_text("-----BEGIN NOTHING-----")

    assert gro.tokens.assertion(gro.header(3)).kid == "gro-3"
    assert gro.refusal(gro.header(1)) == "token_key"


def test_a_changed_key_file_counts_at_once(gro):
    gro.register(1)
    gro.tokens.assertion(gro.header(1))

    gro.file(2, "public").replace(gro.file(1, "public"))

    assert gro.refusal(gro.header(1)) == "token_key"
    assert gro.tokens.assertion(gro.header(2)).kid == "gro-1"


def test_what_came_earlier_is_judged_by_its_own_moment(gro):
    header = gro.header(1, at=NOW)
    gro.register(1, 2, until={1: NOW + timedelta(hours=1)})
    gro.clock.set(NOW + timedelta(hours=20))

    assert gro.tokens.assertion_at(header, NOW + timedelta(seconds=60)).kid == "gro-1"
    assert gro.refusal(header, NOW + timedelta(seconds=120)) == "token_expired"
    assert gro.refusal(header, NOW - timedelta(seconds=61)) == "clock_skew"
    late = gro.header(1, at=NOW + timedelta(hours=1))
    assert gro.refusal(late, NOW + timedelta(hours=1)) == "token_key"


def test_what_came_before_a_suspension_is_not_believed_after_it(gro):
    header = gro.header(1)
    gro.register(1, suspended=True)

    assert gro.refusal(header, NOW) == "token_key"


def test_a_long_connection_is_believed_as_long_as_its_key_is_in_force(gro):
    gro.register(1, until={1: TOMORROW})
    assertion = gro.tokens.assertion(gro.header(1))

    gro.clock.set(TOMORROW - timedelta(seconds=1))
    assert gro.tokens.still_believed(assertion)
    gro.clock.set(TOMORROW)
    assert not gro.tokens.still_believed(assertion)


@pytest.mark.parametrize("change", ["suspended", "key taken out", "publisher taken out"])
def test_a_long_connection_ends_with_what_the_register_takes_away(gro, change):
    gro.register(1)
    assertion = gro.tokens.assertion(gro.header(1))

    if change == "suspended":
        gro.register(1, suspended=True)
    elif change == "key taken out":
        gro.register(2)
    else:
        gro.entries.clear()

    assert not gro.tokens.still_believed(assertion)
