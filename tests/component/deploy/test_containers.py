"""What containers run beside the services: handing out keys, and asking who is ready."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

import pytest

from deploy.compose.__main__ import main
from deploy.local import services
from deploy.local.running import readiness
from tests.containers import COMPOSE, DOCKERFILE, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READY = COMPOSE.with_name("kafka_ready.sh")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JOINEDUP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JOINEDUP_PORT_BASE", "18000")
    return tmp_path / "home"


def handed_out(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_each_service_gets_its_own_private_keys_and_everybodys_public_ones(
    home: Path, tmp_path: Path
) -> None:
    assert main(["keys", str(tmp_path / "handed")]) == 0

    found = handed_out(tmp_path / "handed")
    private = {name for name in found if not name.endswith(".public.pem")}
    assert private == {
        *(f"{name}/services/{name}.private.pem" for name in services.NAMES),
        *(f"{role}/postgres/{role}.pgpass" for role in services.WITH_DATABASE),
        *("identity/identifiers.hmac", "identity/person-tokens.private.pem"),
        *("notifications/cursors.hmac", "portal/sessions.secret", "portal/oidc-client.secret"),
        "postgres/postgres/joinedup.password",
    }
    assert "portal/services/events.public.pem" in found
    assert "events/publishers/gro.public.pem" in found
    assert not any(name.startswith("portal/publishers") for name in found)


def test_what_is_handed_out_is_what_the_home_has(home: Path, tmp_path: Path) -> None:
    main(["keys", str(tmp_path / "handed")])

    for name, content in handed_out(tmp_path / "handed").items():
        assert content == (home / "keys" / name.partition("/")[2]).read_bytes()


def test_only_the_owner_reads_a_key_and_only_the_group_a_servers_password(
    home: Path, tmp_path: Path
) -> None:
    main(["keys", str(tmp_path / "handed")])

    modes = {
        name: (tmp_path / "handed" / name).stat().st_mode & 0o777
        for name in handed_out(tmp_path / "handed")
        if not name.endswith(".public.pem")
    }
    assert modes.pop("postgres/postgres/joinedup.password") == 0o640
    assert set(modes.values()) == {0o600}


def test_a_second_start_keeps_the_keys_and_takes_back_what_was_revoked(
    home: Path, tmp_path: Path
) -> None:
    main(["keys", str(tmp_path / "handed")])
    first = handed_out(tmp_path / "handed")
    left = tmp_path / "handed" / "events" / "publishers" / "gone.public.pem"
    left.write_text("a department that left")

    main(["keys", str(tmp_path / "handed")])

    assert handed_out(tmp_path / "handed") == first


def test_the_machine_is_told_the_addresses(home: Path, tmp_path: Path) -> None:
    main(["keys", str(tmp_path / "handed")])

    found = json.loads((home / "endpoints.json").read_text())
    assert found["events_http"] == "http://127.0.0.1:18080"
    assert found["sign_in"] == "http://sign-in.localhost:18060"


@pytest.mark.parametrize(
    ("verb", "variable"), [("databases", "DATABASE_URL"), ("topics", "KAFKA_BOOTSTRAP")]
)
def test_a_server_that_nobody_named_is_asked_for(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    variable: str,
) -> None:
    monkeypatch.delenv(variable, raising=False)

    assert main([verb]) == 1
    assert variable in capsys.readouterr().err


class Probe(BaseHTTPRequestHandler):
    """Ready at /health/ready alone."""

    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(200 if self.path == "/health/ready" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def probe() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Probe) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def asked(*arguments: str, **environment: str) -> int:
    script = str(DOCKERFILE.with_name("health.py"))
    known = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, script, *arguments], env=known, check=False).returncode


def test_a_service_is_asked_at_the_port_that_its_setting_names(probe: int) -> None:
    assert asked(NUDGES_PROBE_PORT=str(probe)) == 0


def test_anything_but_ready_is_no(probe: int) -> None:
    assert asked(f"http://127.0.0.1:{probe}/health/live") == 1


class Broker:
    """Answers one connection with these bytes, and keeps what it was sent."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.heard = answer, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            self.heard = connection.recv(64)
            connection.sendall(self.answer)

    def asked(self) -> int:
        port = str(self.listener.getsockname()[1])
        done = subprocess.run(["bash", str(READY), port], check=False, timeout=10)
        self.thread.join()
        self.listener.close()
        return done.returncode


@pytest.mark.parametrize(("brokers", "code"), [(1, 0), (3, 0), (0, 1)])
def test_a_broker_is_ready_once_it_knows_one(brokers: int, code: int) -> None:
    broker = Broker(struct.pack(">iii", 8, 1, brokers))

    assert broker.asked() == code


def test_a_broker_that_hangs_up_is_not_ready() -> None:
    assert Broker(b"").asked() != 0


def test_the_question_is_the_one_of_the_native_start() -> None:
    broker = Broker(struct.pack(">iii", 8, 1, 1))
    broker.asked()

    request = readiness._METADATA
    assert broker.heard == struct.pack(">i", len(request)) + request
