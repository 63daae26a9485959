"""A platform's keys are made once, and a key that somebody else holds is never replaced."""

import pytest
from joserfc.jwk import ECKey

from deploy.local.errors import LocalError
from deploy.local.preparing.keys import ensure_keys, publishers_in
from deploy.local.settings import ROOT


@pytest.fixture
def keys(tmp_path):
    return tmp_path / "keys" / "publishers"


def public_half(private):
    return ECKey.import_key(private.read_bytes()).as_pem(private=False)


def test_the_register_says_which_file_a_publisher_signs_for():
    found = publishers_in(ROOT / "catalogue")

    assert found["gro"] == "gro.public.pem"
    assert found["sandbox"] == "sandbox.public.pem"


def test_of_several_keys_the_last_is_the_one_in_use(tmp_path):
    folder = tmp_path / "publishers"
    folder.mkdir()
    (folder / "gro.yaml").write_text(
        "id: gro\nkeys: [{kid: gro-1, file: a.public.pem}, {kid: gro-2, file: b.public.pem}]\n"
    )

    assert publishers_in(tmp_path) == {"gro": "b.public.pem"}


@pytest.mark.parametrize("text", ["id: [", "id: gro", "id: gro\nkeys: []", "- gro", ""])
def test_an_entry_that_is_none_is_named(tmp_path, text):
    folder = tmp_path / "publishers"
    folder.mkdir()
    (folder / "gro.yaml").write_text(text)

    with pytest.raises(LocalError, match=r"gro\.yaml is no entry"):
        publishers_in(tmp_path)


def test_keys_are_made_once_and_only_their_owner_can_read_them(tmp_path, keys):
    made = ensure_keys(tmp_path, {"gro": "gro.public.pem"})
    before = {path: path.read_bytes() for path in (tmp_path / "keys").rglob("*") if path.is_file()}

    assert keys / "gro.private.pem" in made
    assert ensure_keys(tmp_path, {"gro": "gro.public.pem"}) == []
    assert {path: path.read_bytes() for path in before} == before
    assert [path for path in made if path.stat().st_mode & 0o077] == []
    assert (keys / "gro.public.pem").read_bytes() == public_half(keys / "gro.private.pem")
    assert not list(tmp_path.rglob("*.new"))


def test_a_public_key_that_is_missing_is_made_of_its_private_one(tmp_path, keys):
    ensure_keys(tmp_path, {"gro": "gro.public.pem"})
    private = (keys / "gro.private.pem").read_bytes()

    ensure_keys(tmp_path, {"gro": "gro.gro-2.public.pem"})

    assert (keys / "gro.private.pem").read_bytes() == private
    assert (keys / "gro.gro-2.public.pem").read_bytes() == public_half(keys / "gro.private.pem")


def test_a_department_that_keeps_its_private_key_to_itself_keeps_its_public_one(tmp_path, keys):
    keys.mkdir(parents=True)
    (keys / "gro.public.pem").write_text("theirs")

    ensure_keys(tmp_path, {"gro": "gro.public.pem"})

    assert (keys / "gro.public.pem").read_text() == "theirs"
    assert not (keys / "gro.private.pem").exists()
