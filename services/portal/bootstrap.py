"""Puts the portal together and runs it."""

import asyncio
from pathlib import Path
from typing import Final

from services.kit import rpc, telemetry, web
from services.kit.clock import SystemClock, make_clock
from services.kit.ids import new_random_id
from services.kit.probe import Probe
from services.kit.run import CannotStart
from services.kit.settings import load
from services.portal.adapters import oidc_provider, redis_sessions
from services.portal.adapters.identity_grpc import IdentityPeople
from services.portal.adapters.notifications_grpc import NotificationsPrompts
from services.portal.adapters.oidc_provider import Client, OidcProvider
from services.portal.adapters.redis_sessions import RedisSessions
from services.portal.domain.seal import LEAST_SECRET_BYTES, Seal, SecretTooShort
from services.portal.entrypoints.assets import Assets, AssetsMissing
from services.portal.entrypoints.http_api import create_app
from services.portal.entrypoints.pages import Brand, Pages
from services.portal.entrypoints.sign_in_pages import CALLBACK
from services.portal.entrypoints.texts import Texts
from services.portal.entrypoints.visit import Desk
from services.portal.settings import Settings

SERVICE: Final = "portal"
HERE: Final = Path(__file__).parent
REDIS_ASKED_EVERY_SECONDS: Final = 2.0
OTHERS_MAY_READ: Final = 0o077


async def run(stop: asyncio.Event) -> None:
    """Serve the pages until told to stop."""
    settings = load(Settings)
    tracing = telemetry.start(
        SERVICE,
        otlp_endpoint=settings.otlp_endpoint,
        sample_ratio=settings.trace_sample_ratio,
        instance=new_random_id(),
        environment=settings.environment,
        log_level=settings.log_level,
    )
    probe = Probe(settings.host, settings.probe_port, conditions=("http", "redis"))
    probe.start()
    try:
        await _serve(settings, probe, stop)
    finally:
        probe.stop()
        tracing.shutdown()


async def _serve(settings: Settings, probe: Probe, stop: asyncio.Event) -> None:
    seal = Seal(_secret(settings.session_secret_file))
    assets = _assets(settings)
    redis = redis_sessions.connect(settings.redis_url)
    sessions = RedisSessions(redis, seal)
    async with (
        redis,
        oidc_provider.connect() as http,
        rpc.connect(settings.identity_target) as identity,
        rpc.connect(settings.notifications_target) as notifications,
    ):
        desk = Desk(
            pages=_pages(settings, assets),
            provider=OidcProvider(
                settings.oidc_issuer, _client(settings), http=http, seal=seal, now=SystemClock().now
            ),
            people=IdentityPeople(identity),
            prompts=NotificationsPrompts(notifications),
            sessions=sessions,
            seal=seal,
            clock=make_clock(settings.clock_offset_seconds, settings.environment),
            new_id=new_random_id,
            origin=settings.origin,
        )
        app = create_app(desk, assets, is_ready=probe.is_ready)
        watching = asyncio.create_task(_watch(sessions, probe))
        try:
            await web.serve(
                app, settings.host, settings.http_port, stop, ready=lambda: probe.ready("http")
            )
        finally:
            watching.cancel()


async def _watch(sessions: RedisSessions, probe: Probe) -> None:
    while True:
        mark = probe.ready if await sessions.is_reachable() else probe.not_ready
        mark("redis")
        await asyncio.sleep(REDIS_ASKED_EVERY_SECONDS)


def _pages(settings: Settings, assets: Assets) -> Pages:
    return Pages(
        HERE / "templates",
        Texts.load(HERE / "texts"),
        assets,
        Brand(settings.brand_name, settings.brand_logo_text, settings.brand_colour),
        demonstration=settings.environment != "production",
    )


def _client(settings: Settings) -> Client:
    file = settings.oidc_client_secret_file
    secret = None if file is None else _private_text(file, "PORTAL_OIDC_CLIENT_SECRET_FILE")
    return Client(settings.oidc_client_id, secret, f"{settings.origin}{CALLBACK}")


def _assets(settings: Settings) -> Assets:
    try:
        return Assets.load(HERE / "static", settings.assets_dir, settings.brand_colour)
    except AssetsMissing:
        raise CannotStart(
            "PORTAL_ASSETS_DIR has no compiled styles: run python -m deploy.local fetch"
        ) from None


def _secret(file: Path) -> bytes:
    try:
        secret = bytes.fromhex(_private_text(file, "PORTAL_SESSION_SECRET_FILE"))
        Seal(secret)
    except (ValueError, SecretTooShort):
        raise CannotStart(
            f"PORTAL_SESSION_SECRET_FILE must hold {LEAST_SECRET_BYTES} random bytes in hexadecimal"
        ) from None
    return secret


def _private_text(file: Path, variable: str) -> str:
    try:
        mode = file.stat().st_mode
        text = file.read_text("utf-8").strip()
    except OSError:
        raise CannotStart(f"{variable} names a file that cannot be read") from None
    if mode & OTHERS_MAY_READ:
        raise CannotStart(f"{variable} names a file that others may read: chmod 600 it")
    return text
