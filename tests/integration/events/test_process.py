"""How the process begins and ends: ready when it is, and one clear line when it cannot start."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.builders import an_event_body
from tests.ports import free_port
from tests.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[3]


COMMAND = [sys.executable, "-m", "services.events"]


def surroundings(service, **changed):
    ports = {f"EVENTS_{name}_PORT": "0" for name in ("HTTP", "GRPC", "PROBE")}
    environment = {**service.environment, **ports} | changed
    return {name: value for name, value in environment.items() if value is not None}


def start(service, **changed):
    return subprocess.run(
        COMMAND,
        env=surroundings(service, **changed),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "code", "says"),
    [
        ("EVENTS_HTTP_PORT", None, 78, "EVENTS_HTTP_PORT is not set"),
        ("EVENTS_GRPC_PORT", None, 78, "EVENTS_GRPC_PORT is not set"),
        ("EVENTS_DATABASE_URL", None, 78, "EVENTS_DATABASE_URL is not set"),
        ("EVENTS_SERVICE_KEY_FILE", None, 69, "EVENTS_SERVICE_KEY_FILE is not set"),
    ],
)
def test_a_setting_that_is_missing_is_named(service, name, value, code, says):
    ended = start(service, **{name: value})

    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["EVENTS_HTTP_PORT", "EVENTS_GRPC_PORT"])
def test_a_taken_port_is_named(service, name):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ended = start(service, **{name: str(port)})

    assert ended.returncode == 69, ended.stderr
    assert f"127.0.0.1:{port} is taken" in ended.stderr


@pytest.mark.parametrize(
    ("environment", "answer"),
    [("test", grpc.StatusCode.OK), ("production", grpc.StatusCode.UNIMPLEMENTED)],
)
def test_a_server_describes_itself_outside_production_only(service, environment, answer):
    port = free_port()
    changed = {"EVENTS_ENVIRONMENT": environment, "EVENTS_CLOCK_OFFSET_SECONDS": "0"}
    process = subprocess.Popen(
        COMMAND, env=surroundings(service, EVENTS_GRPC_PORT=str(port), **changed), cwd=ROOT
    )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(60)
            asked = reflection_pb2.ServerReflectionRequest(list_services="")
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            call = stub.ServerReflectionInfo(iter([asked]), timeout=10)
            with contextlib.suppress(grpc.RpcError):
                list(call)
            assert call.code() is answer
    finally:
        process.terminate()
        process.wait(20)


def test_a_broken_catalogue_is_named_with_its_line(service, tmp_path):
    folder = Path(shutil.copytree(ROOT / "catalogue", tmp_path / "catalogue"))
    path = folder / "publishers" / "gro.yaml"
    path.write_text(path.read_text() + "surprise: 1\n")
    line = len(path.read_text().splitlines())

    ended = start(service, EVENTS_CATALOGUE_DIR=str(folder))

    assert ended.returncode == 69, ended.stderr
    assert f"{path}:{line}:1: field_unknown" in ended.stderr


def test_a_catalogue_that_breaks_later_leaves_the_service_as_it_was(service):
    # The running service reads a copy of the catalogue that this test may break.
    path = service.catalogue / "events" / "residence.address.moved.v1.yaml"
    good = path.read_text()
    said = len(service.log_text())
    try:
        path.write_text(good.replace("sensitivity: sensitive", "sensitivity: secret"))
        line = path.read_text().splitlines().index("sensitivity: secret") + 1

        def named():
            os.utime(path)  # the watch of a young process may begin after the first write
            return f"{path}:{line}:" in service.log_text()[said:]

        eventually(named, 30, service.log_text)

        answer = service.publish(an_event_body("residence-moved", id="kept"), "council-cardiff")
    finally:
        path.write_text(good)

    assert answer.status_code == 202
