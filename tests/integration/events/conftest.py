"""One process of the service for all tests of a file."""

from __future__ import annotations

import pytest

from tests.events_service import EventsService, Log


@pytest.fixture(scope="module")
def service(tmp_path_factory, kafka_bootstrap, module_database_url):
    folder = tmp_path_factory.mktemp("events")
    with EventsService(folder, kafka=kafka_bootstrap, database_url=module_database_url) as started:
        yield started


@pytest.fixture
def log(service):
    reading = Log(service.kafka)
    yield reading
    reading.close()
