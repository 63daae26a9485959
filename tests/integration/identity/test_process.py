"""`python -m services.identity` as a supervisor sees it, and what it leaves in its logs."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import grpc
import pytest

from joinedup.client.session import PersonSession
from joinedup.identity.v1 import permissions_pb2, permissions_pb2_grpc, subjects_pb2_grpc
from services.identity import bootstrap
from services.identity.settings import Settings
from services.kit import rpc
from services.kit.run import CannotStart
from services.kit.settings import REPOSITORY, load
from tests.builders import a_birth, a_child, a_mother, a_nino, a_register_request
from tests.integration.identity.running import eventually
from tests.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]


def environment(keys, **settings):
    search = (REPOSITORY, REPOSITORY / "protos" / "python", REPOSITORY / "client")
    variables = {f"IDENTITY_{name.upper()}": str(value) for name, value in settings.items()}
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, search)),
        **variables,
    }


@contextmanager
def process(module, arguments, env, log):
    with log.open("w") as written:
        started = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stderr=written,
            stdout=written,
            env=env,
            cwd=REPOSITORY,
        )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@pytest.fixture
def settings(database_url, kafka_bootstrap, keys, tmp_path):
    identifiers = tmp_path / "identifiers.hmac"
    identifiers.write_text(secrets.token_hex(32))
    return {
        "environment": "test",
        "probe_port": free_port(),
        "grpc_port": free_port(),
        "database_url": database_url,
        "kafka_bootstrap": kafka_bootstrap,
        "service_key_file": keys.private("identity"),
        "service_keys_dir": keys.folder,
        "person_token_private_key_file": keys.private("people"),
        "person_token_public_key_file": keys.folder / "people.public.pem",
        "identifier_key_file": identifiers,
        "oidc_issuer": f"http://127.0.0.1:{free_port()}",
        "oidc_client_id": "joinedup-portal",
    }


def asked(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.read().decode()
    except OSError:
        return ""


async def answers(url):
    async def asking():
        return await asyncio.to_thread(asked, url)

    return await eventually(asking, 30)


async def test_it_signs_in_serves_stops_and_tells_its_logs_nothing(settings, keys, tmp_path):
    log, sign_in_port = tmp_path / "identity.log", settings["oidc_issuer"].rsplit(":", 1)[1]
    env = environment(keys, **settings)
    probe = f"http://127.0.0.1:{settings['probe_port']}"
    target = f"127.0.0.1:{settings['grpc_port']}"
    with (
        process("deploy.local.sign_in", [sign_in_port], env, tmp_path / "sign_in.log"),
        process("services.identity", [], env, log) as identity,
    ):
        await answers(f"{settings['oidc_issuer']}/.well-known/openid-configuration")
        await answers(f"{probe}/health/ready")
        handle = await a_life(target, settings["oidc_issuer"], keys)
        metrics = await asyncio.to_thread(asked, f"{probe}/metrics")
        identity.terminate()
        code = await asyncio.to_thread(identity.wait, 15)

    written = log.read_text() + metrics
    assert code == 0, written
    assert 'joinedup_identity_sign_ins_total{joinedup_outcome="exchanged"' in metrics
    for marker in (handle, "QQ424242C", "424242", "Zebedee", "CF10", "1994-02-03", "mair-sub"):
        assert marker not in written


async def a_life(target, issuer, keys):
    """Register, sign in, give, be named in an event, be refused; answers the handle."""
    operator = rpc.connect(target, token=keys.signed("operator", "identity"))
    events = rpc.connect(target, token=keys.signed("events", "identity"))
    registered = await subjects_pb2_grpc.SubjectsStub(operator).Register(
        a_register_request(a_nino(424242), oidc_sub="mair-sub")
    )
    async with PersonSession("mair-sub", sign_in_url=issuer, identity=target) as session:
        signed_in = await session.signed_in()
    assert signed_in.language == "cy"
    person = permissions_pb2_grpc.PermissionsStub(
        rpc.connect(target, token=lambda: signed_in.token)
    )
    listed = await person.List(permissions_pb2.ListRequest(language=signed_in.language))
    assert listed.permissions.subject == registered.subject
    birth = a_birth(a_child("Zebedee"), a_mother(a_nino(424242)))
    await subjects_pb2_grpc.SubjectsStub(events).Resolve(birth)
    birth.persons[1].birth_date = "Zebedee"
    with pytest.raises(grpc.aio.AioRpcError):
        await subjects_pb2_grpc.SubjectsStub(events).Resolve(birth)
    for channel in (operator, events):
        await channel.close()
    return registered.subject


async def test_it_serves_while_the_log_is_away_and_says_so(settings, keys, tmp_path):
    env = environment(keys, **settings | {"kafka_bootstrap": "127.0.0.1:1"})
    ready = f"http://127.0.0.1:{settings['probe_port']}/health/ready"
    channel = rpc.connect(
        f"127.0.0.1:{settings['grpc_port']}", token=keys.signed("operator", "identity")
    )
    with process("services.identity", [], env, tmp_path / "log") as identity:

        async def registered():
            try:
                stub = subjects_pb2_grpc.SubjectsStub(channel)
                return await stub.Register(a_register_request(a_nino(1)))
            except grpc.aio.AioRpcError:
                return None

        assert (await eventually(registered, 30)).subject
        assert asked(ready) == ""
        identity.terminate()
        assert await asyncio.to_thread(identity.wait, 15) == 0
    await channel.close()


def test_each_missing_setting_is_named(monkeypatch, capsys):
    for name in [name for name in os.environ if name.startswith("IDENTITY_")]:
        monkeypatch.delenv(name)

    with pytest.raises(SystemExit) as ended:
        load(Settings)

    assert ended.value.code == 78
    told = capsys.readouterr().err
    assert "IDENTITY_DATABASE_URL is not set" in told
    assert "IDENTITY_IDENTIFIER_KEY_FILE is not set" in told


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"identifier_key_file": "/nowhere"}, "/nowhere holds no key"),
        ({"identifier_key_file": "{short}"}, "wrong length"),
        ({"catalogue_dir": "{empty}"}, "event-type.schema.json cannot be read"),
        ({"service_keys_dir": None}, "IDENTITY_SERVICE_KEYS_DIR is not set"),
        ({"environment": "production", "clock_offset_seconds": "60"}, "shifted in production"),
        ({"grpc_port": "{taken}"}, "is taken by another process"),
    ],
)
async def test_what_keeps_it_from_starting_is_said_in_a_line(settings, tmp_path, changed, line):
    short = tmp_path / "short.hmac"
    short.write_text("ab" * 16)
    (tmp_path / "empty").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = {"short": short, "empty": tmp_path / "empty", "taken": taken.getsockname()[1]}
        wanted = {k: v and v.format(**words) for k, v in changed.items()}

        with pytest.raises(CannotStart) as refused:
            bootstrap._parts(Settings(**settings | wanted))

    assert line in str(refused.value)
    assert "\n" not in str(refused.value)
