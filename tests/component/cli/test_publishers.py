"""The register of publishers from the command line; nothing needs to run for that."""

import ast
import json
import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from deploy.local.settings import ROOT
from services.events.domain.rules import broken_rules
from services.events.domain.simulation import PEOPLE
from tests.command_line import InProcess
from tests.publisher_commands import ID, Commands

MOVED = "residence.address.moved.v1"
SOURCE = "urn:uk:council-tax:swansea"
COMMAND = re.compile(r"^joinedup publishers (.+)$", re.MULTILINE)


@pytest.fixture
def publishers(tmp_path):
    return Commands(tmp_path)


def thumbprint(path):
    return ECKey.import_key(path.read_bytes()).thumbprint()


def test_a_new_publisher_has_everything_it_needs_and_stays_in_a_sandbox(publishers):
    done = publishers.done("new", ID, "--name", "Swansea Council", "--name-cy", "Cyngor Abertawe")

    entry = publishers.register.entry(ID)
    assert done["sandbox"]
    assert entry.sandbox
    assert entry.may_publish(MOVED)
    assert [(key.kid, key.file) for key in entry.keys] == [(f"{ID}-1", f"{ID}.public.pem")]
    assert 'cy: "Cyngor Abertawe"' in publishers.text()
    assert publishers.findings(ID) == {}
    assert done["believed_after_seconds"] is None
    assert len(done["next"]) == 3


def test_only_its_owner_can_read_the_private_key(publishers):
    done = publishers.done("new", ID)

    private, public = Path(done["private_key"]), Path(done["public_key"])
    assert private.stat().st_mode & 0o777 == 0o600
    assert private.parent.stat().st_mode & 0o077 == 0
    assert thumbprint(private) == thumbprint(public)
    assert b"PRIVATE" not in public.read_bytes()


@pytest.mark.parametrize("path", sorted((ROOT / "catalogue" / "events").glob("*.yaml")))
def test_the_example_of_every_type_keeps_its_rules_and_is_somebody_of_the_sandbox(publishers, path):
    done = publishers.done("new", ID, "--type", path.stem)

    example = json.loads(Path(done["example"]).read_text())
    catalogue = publishers.register.whole()
    event_type = catalogue.event_type(path.stem)
    assert catalogue.faults(event_type, example, sandbox=True) == []
    assert list(broken_rules(example, datetime.now(UTC))) == []
    assert publishers.register.entry(ID).speaks_for(example["source"])
    assert example["type"] == path.stem
    numbers = [n["value"] for p in example["data"]["persons"] for n in p.get("identifiers", ())]
    assert numbers
    assert set(numbers) <= {"QQ000001A", "9990000018", "SANDB000000AA001", "0000000001"}


def test_the_test_it_begins_with_is_one(publishers):
    path = Path(publishers.done("new", ID)["test"])

    functions = [each.name for each in ast.parse(path.read_text()).body if hasattr(each, "name")]
    assert path.name == f"test_{ID}.py"
    assert sum(name.startswith("test_") for name in functions) == 2


def test_a_live_publisher_is_told_which_types_must_name_it_first(publishers):
    done = publishers.done("new", ID, "--live", "--type", MOVED, "--source", SOURCE)

    assert done["not_named_by"] == [MOVED]
    assert not publishers.register.entry(ID).sandbox
    bad = publishers.findings(ID)
    assert list(bad) == [f"{ID} types"]
    assert ID in bad[f"{ID} types"]["fix"]

    path = publishers.catalogue / "events" / f"{MOVED}.yaml"
    path.write_text(path.read_text().replace("publishers: [", f"publishers: [{ID}, ", 1))
    assert publishers.findings(ID) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ("new", "Swansea"),
        ("new", "../swansea"),
        ("new", "a" * 64),
        ("new", ID, "--live"),
        ("new", ID, "--live", "--type", "*", "--source", SOURCE),
        ("new", ID, "--source", "Swansea"),
        ("rotate", "gro", "--overlap", "soon"),
        ("rotate", "gro", "--overlap", "-1d"),
        ("suspend",),
    ],
)
def test_bad_usage_is_told_apart_and_leaves_nothing(publishers, arguments):
    assert publishers(*arguments).code == 2
    assert not publishers.home.exists()


def test_what_is_there_already_is_never_overwritten(publishers):
    publishers.done("new", ID)
    key = (publishers.keys / f"{ID}.private.pem").read_bytes()

    assert publishers.refused("new", ID) == "publisher_exists"
    publishers.register.path(ID).unlink()
    assert publishers.refused("new", ID) == "key_exists"

    assert (publishers.keys / f"{ID}.private.pem").read_bytes() == key


def test_a_publisher_that_cannot_be_leaves_no_key_behind(publishers):
    assert publishers.refused("new", ID, "--type", "no.such.type.v1") == "event_type_unknown"
    (publishers.catalogue / "publishers" / "dvla.yaml").write_text("id: [")
    assert publishers.refused("new", ID) == "catalogue_invalid"

    assert not publishers.home.exists()
    assert not publishers.register.path(ID).exists()


@pytest.mark.parametrize("named", ["in full", "from here"])
@pytest.mark.parametrize("ignored", [True, False])
def test_a_private_key_is_never_written_where_git_would_take_it_along(
    tmp_path, monkeypatch, ignored, named
):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    if ignored:
        (tmp_path / ".gitignore").write_text("/home/\n")
    monkeypatch.chdir(tmp_path)
    publishers = Commands(tmp_path if named == "in full" else Path())

    if ignored:
        publishers.done("new", ID)
    else:
        assert publishers.refused("new", ID) == "key_in_git"
        assert not publishers.home.exists()
    listed = subprocess.run(
        ["git", "-C", str(tmp_path), "ls-files", "-o", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "private" not in listed.stdout


def test_comments_and_order_survive_every_change(publishers):
    path = publishers.register.path("gro")
    written = (
        "# Who registers births.\n"
        + path.read_text().replace("keys: [", "# Ask Newport first.\nkeys: [")
        + "limits: {burst: 9}  # until spring\n"
    )
    path.write_text(written)
    publishers.done("suspend", "gro")

    suspended = publishers.text("gro")
    publishers.done("resume", "gro")

    assert suspended == written + "suspended: true\n"
    assert publishers.text("gro") == written


def test_a_moment_that_was_written_by_hand_stays_what_it_was(publishers):
    path = publishers.register.path("gro")
    moment = "2026-11-30T10:00:00.250+01:00"
    path.write_text(path.read_text().replace("gro.public.pem", f"gro.public.pem, until: {moment}"))
    before = publishers.register.entry("gro").keys

    publishers.done("suspend", "gro")

    assert publishers.register.entry("gro").keys == before


def test_a_suspension_is_seen_in_the_list_and_taken_back(publishers):
    publishers.done("new", ID)

    publishers.done("suspend", ID)
    (listed,) = [x for x in publishers.done("list")["publishers"] if x["publisher"] == ID]
    publishers.done("resume", ID)

    assert listed["suspended"]
    assert [key["in_force"] for key in listed["keys"]] == [False]
    assert [key["in_force"] for key in publishers.done("show", ID)["keys"]] == [True]


def test_a_suspension_that_another_files_fault_keeps_out_of_force_is_no_success(publishers):
    (publishers.catalogue / "publishers" / "dvla.yaml").write_text("id: dvla\n")

    ran = publishers("suspend", "gro", "--json")

    assert ran.code == 1
    assert "dvla.yaml:1:1: field_required" in ran.document["error"]["detail"]
    assert "gro.public.pem" in ran.document["error"]["fix"]
    # Written all the same: it counts as soon as the other file is mended.
    assert publishers.register.entry("gro").suspended


def test_who_is_not_there_is_told_with_who_is(publishers):
    for command in ("show", "rotate", "suspend", "resume"):
        ran = publishers(command, "nobody", "--json")
        assert ran.code == 1
        assert ran.document["error"]["code"] in {"publisher_unknown", "publisher_key_missing"}


@pytest.mark.parametrize(
    ("fault", "name", "says"),
    [
        ("mode", f"{ID} private key", "chmod 600"),
        ("other key", f"{ID} private key", "rotate"),
        ("no public key", f"{ID} keys", "make up"),
        ("ended", f"{ID} keys", "rotate"),
        ("ends soon", f"{ID} keys", "rotate"),
        ("unknown type", f"{ID} types", "types"),
        ("broken", "register", "line"),
    ],
)
def test_a_check_names_what_is_wrong_and_the_cure(publishers, fault, name, says):
    publishers.done("new", ID, "--type", MOVED)
    private, public = (publishers.keys / f"{ID}.{which}.pem" for which in ("private", "public"))
    path = publishers.register.path(ID)
    if fault == "mode":
        private.chmod(0o640)
    elif fault == "other key":
        private.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    elif fault == "no public key":
        public.unlink()
    elif fault in {"ended", "ends soon"}:
        until = datetime.now(UTC) + timedelta(days=2 if fault == "ends soon" else -2)
        key = f"{ID}.public.pem"
        path.write_text(path.read_text().replace(key, f"{key}, until: {until.isoformat()}", 1))
    elif fault == "unknown type":
        path.write_text(path.read_text().replace(MOVED, "residence.address.lost.v1"))
    else:
        path.write_text(path.read_text().replace("sandbox: true", "sandbox: maybe"))

    bad = publishers.findings(ID)

    assert says in bad[name]["fix"]


def test_the_shipped_register_is_as_it_should_be(publishers):
    assert publishers.findings() == {}


def test_the_page_about_becoming_a_publisher_is_true(publishers):
    page = (ROOT / "docs" / "how-to" / "become-a-publisher.md").read_text().replace("\\\n", " ")
    commands = [shlex.split(each, comments=True) for each in COMMAND.findall(page)]

    answers = [publishers(*each).code for each in commands if each[0] != "check"]

    assert answers == [0] * 6
    assert {each.value for each in PEOPLE} <= set(page.replace("|", " ").split())


def test_every_command_teaches_with_an_example(publishers):
    for command in ("new", "rotate", "suspend", "resume", "list", "show", "check"):
        told = InProcess(publishers.home)("publishers", command, "--help")
        assert told.code == 0
        assert f"joinedup publishers {command}" in told.out


def test_a_person_reads_what_was_done(publishers):
    made = publishers("new", ID)
    shown = publishers("show", ID)
    listed = publishers("list")

    assert (made.code, shown.code, listed.code) == (0, 0, 0)
    assert f"joinedup publish {publishers.home}/publishers/{ID}/example.json" in made.out
    assert "never commit it" in made.out
    assert f"{ID}-1" in shown.out
    assert "sandbox" in listed.out
