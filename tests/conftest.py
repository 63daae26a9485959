"""Fixtures for every kind of test; the servers are started only when a test asks for one."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.local.platform import Platform
    from tests import native

# A property is tried 50 times and a law (tests/laws.py) twice as often, in every run;
# `--hypothesis-profile=thorough` is for a change of the rules themselves.
hypothesis.settings.register_profile("ordinary", max_examples=50, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=2_000, deadline=None)
hypothesis.settings.load_profile("ordinary")

_UNIT = Path(__file__).parent / "unit"

# The first test that asks for servers also waits for them; their starts are bounded by themselves.
WITH_SERVERS_SECONDS = {"stores": 180, "platform": 300}


def pytest_sessionstart() -> None:
    """Collect no garbage while tests are collected: there is hardly any."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage again, but never in what was imported: that stays to the end."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)  # before the marks are asked for
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the run's servers, and give it the time for them unless it has its own limit.

    A unit test is interrupted by a signal: it hangs in Python or not at all, and a watching thread
    for each of a thousand is a tenth of their time.
    """
    for item in items:
        if _UNIT in item.path.parents:
            item.add_marker(pytest.mark.timeout(method="signal"))
            continue
        names = getattr(item, "fixturenames", ())
        seconds = max((WITH_SERVERS_SECONDS.get(name, 0) for name in names), default=0)
        if seconds:
            item.add_marker("shared_servers")
        if seconds and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(seconds))


@pytest.fixture(scope="session")
def stores(request: pytest.FixtureRequest) -> Iterator[native.Stores]:
    """Kafka, PostgreSQL and Redis for the whole run; said aloud where they come from."""
    from tests import native  # noqa: PLC0415 - not for tests that need no server

    started = native.start_stores()
    _say(request, f"stores: {started.source}")
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(stores: native.Stores) -> str:
    """The address of a real broker; a test makes topics of its own on it."""
    return stores.kafka_bootstrap


@pytest.fixture(scope="session")
def postgres_url(stores: native.Stores) -> str:
    """The URL of a role that may make roles and databases."""
    return stores.postgres_url


@pytest.fixture
def database_url(stores: native.Stores) -> Iterator[str]:
    """An empty database for one test."""
    from tests import native  # noqa: PLC0415 - the same

    with native.fresh_database(stores.postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(stores: native.Stores) -> Iterator[str]:
    """An empty database for one file of tests."""
    from tests import native  # noqa: PLC0415 - the same

    with native.fresh_database(stores.postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url(stores: native.Stores) -> str:
    """The URL of a real Redis; a test uses keys of its own."""
    return stores.redis_url


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """The whole platform, natively: tests kill parts of it by pid."""
    from tests import native  # noqa: PLC0415 - the same

    started = native.start_platform("platform", settings={"POSTGRES_FSYNC": "off"})
    _say(request, "platform: native servers and all services")
    try:
        yield started
    finally:
        started.stop()


def _say(request: pytest.FixtureRequest, text: str) -> None:
    plugins = request.config.pluginmanager
    terminal, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    if terminal is None or capture is None:
        return
    with capture.global_and_fixture_disabled():
        terminal.ensure_newline()
        terminal.write_line(text)
