"""What stands outside of this process: connected, brought up to date, let go."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import psycopg

from services.kit import rpc
from services.kit.catalogue import CatalogueInvalid
from services.kit.clock import Clock
from services.kit.log_producer import LogProducer, LogUnavailable
from services.kit.migrations import MigrationRefused, migrate
from services.kit.run import CannotStart
from services.kit.service_tokens import TokenSigner
from services.notifications.adapters.catalogue_files import CatalogueFiles
from services.notifications.adapters.postgres.store import Store
from services.notifications.settings import NotificationsSettings

NAME: Final = "notifications"
MIGRATIONS: Final = Path(__file__).parents[1] / "adapters" / "migrations"


@dataclass(frozen=True, slots=True)
class Outside:
    """What stands outside of this process, connected."""

    store: Store
    producer: LogProducer
    identity: grpc.aio.Channel


@asynccontextmanager
async def connected(settings: NotificationsSettings, clock: Clock) -> AsyncIterator[Outside]:
    """The stores and services this process stands on; raises CannotStart."""
    url = settings.database_url.get_secret_value()
    try:
        await migrate(url, MIGRATIONS, NAME)
    except MigrationRefused as refused:
        raise CannotStart(str(refused)) from None
    except psycopg.Error as error:
        raise CannotStart(f"PostgreSQL refuses: {type(error).__name__}") from None
    store = Store(url, connections=settings.database_connections)
    producer = LogProducer(settings.kafka_bootstrap, NAME)
    identity = rpc.connect(
        settings.identity_target, token=_own_token(settings, clock), default_deadline_seconds=1.0
    )
    await store.open()
    try:
        await producer.start()
        yield Outside(store, producer, identity)
    except LogUnavailable:
        raise CannotStart("no broker answers at NOTIFICATIONS_KAFKA_BOOTSTRAP") from None
    finally:
        await producer.close()
        await identity.close()
        await store.close()


def _own_token(settings: NotificationsSettings, clock: Clock) -> Callable[[], str]:
    if settings.service_key_file is None:
        raise CannotStart("NOTIFICATIONS_SERVICE_KEY_FILE is not set: set it to this service's key")
    signer = TokenSigner(NAME, settings.service_key_file)
    return lambda: signer.token("identity", clock.now())


def catalogue(directory: Path) -> CatalogueFiles:
    """The catalogue in a directory; raises CannotStart."""
    try:
        return CatalogueFiles(directory)
    except CatalogueInvalid as invalid:
        raise CannotStart(f"the catalogue is not valid\n{invalid}") from None
