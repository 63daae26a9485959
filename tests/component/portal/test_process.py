"""The portal as a process: it serves from settings alone, and refuses unsafe ones in one line."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
import pytest_asyncio

from deploy.local.running.readiness import Kind, Question, wait
from services.kit.run import CannotStart
from services.portal import bootstrap
from services.portal.settings import Settings
from tests.component.portal.browser import Browser
from tests.component.portal.town import served
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIGURATION, CANNOT_START = 78, 69
COMMAND = [sys.executable, "-m", "services.portal"]


@pytest_asyncio.fixture(loop_scope="module")
async def settings(town, provider, redis_url, tmp_path):
    secret = tmp_path / "sessions.secret"
    client = tmp_path / "oidc-client.secret"
    for file in (secret, client):
        file.touch(mode=0o600)
        file.write_text("5a" * 32)
    async with served(town) as around:
        yield {
            "PORTAL_ENVIRONMENT": "test",
            "PORTAL_HTTP_PORT": str(free_port()),
            "PORTAL_PROBE_PORT": str(free_port()),
            "PORTAL_IDENTITY_TARGET": around.identity.address,
            "PORTAL_NOTIFICATIONS_TARGET": around.notifications.address,
            "PORTAL_REDIS_URL": redis_url,
            "PORTAL_OIDC_ISSUER": provider,
            "PORTAL_OIDC_CLIENT_ID": "joinedup-portal",
            "PORTAL_OIDC_CLIENT_SECRET_FILE": str(client),
            "PORTAL_SESSION_SECRET_FILE": str(secret),
        }


def environment(settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    search = os.pathsep.join(path for path in sys.path if path)
    return {**kept, "PYTHONPATH": search, **settings}


def started(settings) -> subprocess.Popen[str]:
    return subprocess.Popen(COMMAND, env=environment(settings), stderr=subprocess.PIPE, text=True)


def refusal(settings) -> tuple[int, str]:
    """How it ends, and the one line it says."""
    done = subprocess.run(
        COMMAND, env=environment(settings), capture_output=True, text=True, timeout=20, check=False
    )
    (line,) = done.stderr.strip().splitlines()
    return done.returncode, line


async def test_it_serves_a_person_and_stops_when_told(settings, town):
    origin = f"http://127.0.0.1:{settings['PORTAL_HTTP_PORT']}"
    process = started(settings)
    browser = Browser(origin)
    try:
        ready = Question(Kind.HTTP, f"{origin}/health/ready")
        assert wait(ready, 20.0, failed=lambda: process.poll() is not None)
        prompt_id = town.prompt()
        async with browser.http:
            await browser.sign_in(next_path=f"/prompts/{prompt_id}")
            page = await browser.page(f"/prompts/{prompt_id}")
            session = browser.http.cookies["session"]
            refused = await browser.get("/sign-in/callback?state=x&code=y")
            probe = f"http://127.0.0.1:{settings['PORTAL_PROBE_PORT']}/metrics"
            counted = (await browser.get(probe)).text
    finally:
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=20)

    assert page.headings["h1"] == ["You can claim Child Benefit"]
    assert "This is a demonstration" in page.text
    assert process.returncode == 0
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [line.get("code") for line in lines] == ["login_state"]
    assert refused.status_code == 400
    for outcome in ("signed_in", "login_state"):
        assert re.search(rf'joinedup_portal_sign_ins\S*joinedup_outcome="{outcome}"', counted)
    for secret in (session, prompt_id, town.people["mair"], "mair", "eyJ"):
        assert secret not in logged
        assert secret not in counted


async def test_it_needs_to_be_told_where_things_are(settings):
    del settings["PORTAL_REDIS_URL"]

    code, line = refusal(settings)

    assert code == CONFIGURATION
    assert line.startswith("PORTAL_REDIS_URL is not set")


async def test_production_is_never_without_encryption(settings):
    code, line = refusal(
        {
            **settings,
            "PORTAL_ENVIRONMENT": "production",
            "PORTAL_PUBLIC_URL": "https://prompts.example",
        }
    )

    assert code == CONFIGURATION
    assert "OIDC_ISSUER must be an https address in production" in line


async def test_a_secret_that_others_may_read_is_refused(settings, tmp_path):
    (tmp_path / "sessions.secret").chmod(0o644)

    code, line = refusal(settings)

    assert code == CANNOT_START
    assert "PORTAL_SESSION_SECRET_FILE names a file that others may read" in line


async def test_a_secret_that_is_too_short_is_refused_without_its_value(tmp_path):
    secret = tmp_path / "short"
    secret.touch(mode=0o600)
    secret.write_text("5a5a")

    with pytest.raises(CannotStart) as refused:
        bootstrap._secret(secret)

    assert "5a5a" not in str(refused.value)


async def test_missing_styles_are_said_with_the_cure(settings, tmp_path):
    fields = {name.removeprefix("PORTAL_").lower(): value for name, value in settings.items()}

    with pytest.raises(CannotStart) as refused:
        bootstrap._assets(Settings(**{**fields, "assets_dir": tmp_path}))

    assert "deploy.local fetch" in str(refused.value)
