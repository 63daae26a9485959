"""From no publisher to one that publishes, rotates and is off-boarded, beside a real service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from kafka.admin import KafkaAdminClient

from joinedup.client import Publisher, Refused
from tests.command_line import InProcess
from tests.events_service import ROOT, EventsService
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

AT_ONCE_SECONDS = 2.0


class Department:
    """A publisher with a home of its own, beside a service that reads its register and keys."""

    def __init__(self, service, home):
        self.service = service
        self.home = home
        self.keys = home / "keys" / "publishers"
        self.run = InProcess(home)

    def say_where(self, url):
        """Write the addresses of a running platform."""
        addresses = {"events_http": url, "kafka": self.service.kafka}
        (self.home / "endpoints.json").write_text(json.dumps(addresses))

    def __call__(self, command, *arguments):
        """What `joinedup publishers` answers."""
        register = ("--catalogue", self.service.catalogue, "--json")
        return self.run("publishers", command, *arguments, *register)

    def done(self, command, *arguments):
        ran = self(command, *arguments)
        assert ran.code == 0, ran.out + ran.err
        return ran.document

    def answer(self, publisher, file=None):
        """What a token of a private key is answered, `not_found` being believed; without a kid."""
        key = self.keys / (file or f"{publisher}.private.pem")
        with Publisher(publisher, key=key, url=self.service.url) as asking:
            try:
                asking.progress("a" * 26)
            except Refused as refused:
                return refused.code
        raise AssertionError("there is no such event")


@pytest.fixture(scope="module")
def department(tmp_path_factory, kafka_bootstrap, module_database_url):
    home = tmp_path_factory.mktemp("onboarding")
    started = EventsService(
        home / "keys",
        kafka=kafka_bootstrap,
        database_url=module_database_url,
        # The ends of keys are written by the machine's own clock.
        clock_offset_seconds="0",
    )
    started.offset = timedelta()
    with started:
        department = Department(started, home)
        department.say_where(started.url)
        yield department


def test_a_new_publisher_is_believed_and_its_own_test_passes(department):
    done = department.done("new", "council-swansea", "--name", "Swansea Council")

    assert 0 <= done["believed_after_seconds"] < 15
    assert done["topics"] == [
        "inbound-events.council-swansea.v1",
        "inbound-events.council-swansea.v1.dead-letter",
    ]
    search = os.pathsep.join(str(ROOT / each) for each in (".", "protos/python", "client"))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", done["test"]],
        env={**os.environ, "PYTHONPATH": search},
        cwd=department.home,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout


def test_the_next_commands_do_what_they_say(department):
    done = department.done("new", "council-conwy")
    publish, event, _ = (each.split()[1:] for each in done["next"])

    published = department.run(*publish, "--json")
    followed = department.run(*event, "--json")

    assert published.document["event_id"] == event[1]
    assert followed.document["status"] == "decided"


def test_a_check_asks_the_running_service_too(department):
    department.done("new", "council-flint")
    assert department("check", "council-flint").document["healthy"]

    (department.keys / "council-flint.public.pem").write_text("broken")

    with KafkaAdminClient(bootstrap_servers=department.service.kafka) as admin:
        admin.delete_topics(["inbound-events.council-flint.v1"])

    findings = department("check", "council-flint").document["findings"]
    assert [each["name"] for each in findings if not each["good"]] == [
        "council-flint private key",
        f"council-flint at {department.service.url}",
        "topics",
    ]


def test_in_a_rotation_nobody_who_signs_is_refused_and_after_it_the_old_key_is(department):
    department.done("new", "council-gwent")
    stop, codes = threading.Event(), []

    def keep_asking():
        # Like a department's process: it reads its key's file for every token.
        while not stop.is_set():
            codes.append(department.answer("council-gwent"))

    asking = threading.Thread(target=keep_asking)
    asking.start()
    done = department.done("rotate", "council-gwent", "--overlap", "4s")
    ended = time.monotonic() + 4
    old, new = "council-gwent.council-gwent-1.private.pem", "council-gwent.private.pem"
    both = [
        department.answer("council-gwent", old),
        department.answer("council-gwent", new),
    ]
    early = time.monotonic() < ended
    eventually(lambda: department.answer("council-gwent", old) == "token_key")
    stop.set()
    asking.join()

    assert done["kid"] == "council-gwent-2"
    assert (both, early) == (["not_found", "not_found"], True)
    assert set(codes) == {"not_found"}
    assert department.answer("council-gwent", new) == "not_found"


def test_after_a_leak_the_old_key_is_worth_nothing(department):
    department.done("new", "council-powys")
    leaked = (department.keys / "council-powys.private.pem").read_bytes()

    department.done("suspend", "council-powys")
    department.done("rotate", "council-powys", "--overlap", "0s")
    department.done("resume", "council-powys")

    (department.keys / "leaked.pem").write_bytes(leaked)
    assert department.answer("council-powys", "leaked.pem") == "token_key"
    assert department.answer("council-powys") == "not_found"


def test_off_boarding_counts_at_once(department):
    department.done("new", "council-neath")
    path = department.service.catalogue / "publishers" / "council-neath.yaml"
    good = path.read_text()
    took = []
    # More than once: the change may come at any moment of the service's own rhythm.
    for _ in range(3):
        assert department.answer("council-neath") == "not_found"
        path.write_text(good + "suspended: true\n")
        begun = time.monotonic()
        eventually(lambda: department.answer("council-neath") == "token_key", 10)
        took.append(time.monotonic() - begun)
        path.write_text(good)
        eventually(lambda: department.answer("council-neath") == "not_found", 10)

    assert max(took) < AT_ONCE_SECONDS


def test_a_suspended_publisher_is_answered_like_an_unknown_one(department):
    department.done("new", "council-brecon")
    done = department.done("suspend", "council-brecon")

    assert done["in_force_after_seconds"] < AT_ONCE_SECONDS
    key = department.keys / "council-brecon.private.pem"
    shapes = []
    for publisher in ("council-brecon", "council-nowhere"):
        with (
            Publisher(publisher, key=key, url=department.service.url) as sending,
            pytest.raises(Refused) as refused,
        ):
            sending.publish({"id": "1"})
        shapes.append((refused.value.status, refused.value.code, refused.value.detail))
    assert shapes[0] == shapes[1]
    assert shapes[0][:2] == (401, "token_key")

    department.done("resume", "council-brecon")
    assert department.answer("council-brecon") == "not_found"


def test_a_suspended_publisher_does_not_hide_what_others_published(department):
    department.done("new", "a-council")
    department.done("suspend", "a-council")
    done = department.done("new", "b-council")
    department.run("publish", done["example"], "--publisher", "b-council")

    event_id = done["next"][1].split()[2]
    assert department.run("event", event_id, "--json").document["status"] == "decided"
    refused = department.run("event", event_id, "--publisher", "a-council", "--json")
    assert refused.document["error"]["code"] == "token_key"


def test_a_service_that_does_not_read_the_register_is_no_success(department, tmp_path):
    department.done("new", "council-rhondda")
    path = department.service.catalogue / "publishers" / "council-rhondda.yaml"
    # Another register: the running service never sees it.
    elsewhere = tmp_path / "catalogue"
    for part in ("events", "prohibited", "schema", "publishers"):
        (elsewhere / part).mkdir(parents=True)
        for each in (department.service.catalogue / part).iterdir():
            (elsewhere / part / each.name).write_bytes(each.read_bytes())

    ran = department.run(
        *("publishers", "suspend", "council-rhondda", "--wait", 1, "--json"),
        *("--catalogue", elsewhere),
    )

    assert (ran.code, ran.document["error"]["code"]) == (1, "not_in_force")
    assert "suspended" not in path.read_text()


def test_a_rotation_that_the_service_does_not_see_leaves_all_as_it_was(department, tmp_path):
    department.done("new", "council-ceredigion")
    path = department.service.catalogue / "publishers" / "council-ceredigion.yaml"
    before = path.read_text()
    key = (department.keys / "council-ceredigion.private.pem").read_bytes()
    department.say_where("http://127.0.0.1:9")
    try:
        ran = department("rotate", "council-ceredigion", "--wait", 1)
    finally:
        department.say_where(department.service.url)

    assert ran.document["error"]["code"] == "not_in_force"
    assert path.read_text() == before
    assert (department.keys / "council-ceredigion.private.pem").read_bytes() == key
    left = sorted(each.name for each in department.keys.glob("council-ceredigion*"))
    assert left == ["council-ceredigion.private.pem", "council-ceredigion.public.pem"]
