"""The portal on a real port, between a real provider, real servers and a real Redis."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from deploy.local.running.readiness import Kind, Question, wait
from services.kit import rpc, web
from services.kit.clock import SystemClock
from services.kit.ids import new_random_id
from services.portal import bootstrap
from services.portal.adapters import oidc_provider, redis_sessions
from services.portal.adapters.identity_grpc import IdentityPeople
from services.portal.adapters.notifications_grpc import NotificationsPrompts
from services.portal.adapters.oidc_provider import Client, OidcProvider
from services.portal.adapters.redis_sessions import RedisSessions
from services.portal.domain.seal import Seal
from services.portal.domain.session import Session
from services.portal.entrypoints.assets import Assets
from services.portal.entrypoints.http_api import create_app
from services.portal.entrypoints.pages import Brand, Pages
from services.portal.entrypoints.texts import Texts
from services.portal.entrypoints.visit import Desk
from tests.component.portal.browser import Browser
from tests.component.portal.town import ROOT, Served, Town, make_town, served
from tests.ports import free_port

HERE = Path(bootstrap.__file__).parent
ASSETS = ROOT / "build" / "portal-assets"


@pytest.fixture(scope="session")
def provider():
    """The address of the sign-in provider of the local platform."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "deploy.local.sign_in", str(port)])
    address = f"http://127.0.0.1:{port}"
    try:
        question = Question(Kind.HTTP, f"{address}/.well-known/openid-configuration")
        assert wait(question, 20.0, failed=lambda: process.poll() is not None)
        yield address
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class Portal:
    """The running portal and what stands around it."""

    origin: str
    town: Town
    around: Served
    sessions: RedisSessions

    def browser(self) -> Browser:
        return Browser(self.origin)


@asynccontextmanager
async def running(town, provider, redis_url, origin=None, issuer=None):
    """A portal for as long as the block lasts."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    seal = Seal(bytes(range(32)))
    redis = redis_sessions.connect(redis_url)
    sessions = RedisSessions(redis, seal)
    assets = Assets.load(HERE / "static", ASSETS, "#0b4f54")
    async with (
        served(town) as around,
        redis,
        oidc_provider.connect() as http,
        rpc.connect(around.identity.address) as identity,
        rpc.connect(around.notifications.address) as notifications,
    ):
        client = Client("joinedup-portal", "secret", f"{origin or address}/sign-in/callback")
        desk = Desk(
            pages=Pages(
                HERE / "templates",
                Texts.load(HERE / "texts"),
                assets,
                Brand("Joined-Up", "Joined-Up", "#0b4f54"),
                demonstration=True,
            ),
            provider=OidcProvider(
                issuer or provider, client, http=http, seal=seal, now=SystemClock().now
            ),
            people=IdentityPeople(identity),
            prompts=NotificationsPrompts(notifications),
            sessions=sessions,
            seal=seal,
            clock=town.clock,
            new_id=new_random_id,
            origin=origin or address,
        )
        stop, ready = asyncio.Event(), asyncio.Event()
        app = create_app(desk, assets, is_ready=lambda: True)
        serving = asyncio.create_task(
            web.serve(app, "127.0.0.1", port, stop, ready=ready.set, grace_seconds=1)
        )
        async with asyncio.timeout(5):
            await ready.wait()
        try:
            yield Portal(address, town, around, sessions)
        finally:
            stop.set()
            await serving


@pytest.fixture(scope="module")
def module_town(tmp_path_factory) -> Town:
    return make_town(tmp_path_factory.mktemp("keys"), SystemClock().now())


@pytest.fixture
def town(module_town):
    """The town as it is on the first morning."""
    module_town.begin_again(SystemClock().now())
    return module_town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_portal(module_town, provider, redis_url):
    async with running(module_town, provider, redis_url) as made:
        yield made


@pytest.fixture
def portal(module_portal, town):
    """One portal a file; the town behind it begins again for each test."""
    return module_portal


@pytest_asyncio.fixture(loop_scope="module")
async def browser(portal):
    made = portal.browser()
    async with made.http:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def signed_in(portal, browser):
    """A browser with a session, without the way over the provider."""
    town, now = portal.town, portal.town.clock.now()
    session = Session(
        account="account",
        person_token=town.person_token(town.people["mair"]),
        token_expires_at=now + timedelta(seconds=town.token_seconds),
        started_at=now,
        seen_at=now,
    )
    session_id = new_random_id()
    await portal.sessions.keep(session_id, session, session.lives_for(now))
    browser.http.cookies.set("session", session_id, domain="127.0.0.1")
    return browser


@pytest_asyncio.fixture(loop_scope="module")
async def stranger():
    """A client that is nobody's browser."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        yield http
