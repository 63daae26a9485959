"""One process of the service, with a database of its own, for all of these tests."""

from __future__ import annotations

import pytest

from tests import native
from tests.events_service import EventsService, Log


@pytest.fixture(scope="session")
def events_database_url(postgres_url):
    with native.fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def service(tmp_path_factory, kafka_bootstrap, events_database_url):
    folder = tmp_path_factory.mktemp("events")
    with EventsService(folder, kafka=kafka_bootstrap, database_url=events_database_url) as started:
        yield started


@pytest.fixture
def log(service):
    reading = Log(service.kafka)
    yield reading
    reading.close()
