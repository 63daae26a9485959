"""kafka-python's producer, made and ended so that neither leaves threads or sockets behind."""

import contextlib
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.net.compat import KafkaNetClient

CONNECT_TIMEOUT_SECONDS: Final = 3.0
LINGER_MS: Final = 2
MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024


def connect(
    bootstrap: str, client_id: str, timeout_seconds: float, linger_ms: int = LINGER_MS
) -> Any:
    """A connected producer that gives a record up after the timeout; raises KafkaError."""
    delivery_ms = int(timeout_seconds * 1000) - 200
    clients: list[Any] = []

    def remembered(**settings: Any) -> Any:
        clients.append(KafkaNetClient(**settings))
        return clients[-1]

    try:
        return KafkaProducer(
            bootstrap_servers=bootstrap,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=linger_ms,
            # What the topic takes decides, so that a dead letter may be larger than its record.
            max_request_size=MAX_REQUEST_BYTES,
            allow_auto_create_topics=False,
            max_block_ms=delivery_ms,
            delivery_timeout_ms=delivery_ms,
            request_timeout_ms=delivery_ms - 1000,
            bootstrap_timeout_ms=int(CONNECT_TIMEOUT_SECONDS * 1000),
            retry_backoff_ms=50,
            reconnect_backoff_max_ms=500,
            metrics_enabled=False,
            kafka_client=remembered,
        )
    except KafkaError:
        # The producer that could not be made leaves its sockets to the collector.
        for client in clients:
            client.close()
        raise


def end(producer: Any, grace_seconds: float) -> None:
    """Send what is waiting, for at most the grace, then end the producer's thread."""
    with contextlib.suppress(KafkaTimeoutError):
        producer.flush(grace_seconds)
    discard(producer)


def discard(producer: Any) -> None:
    """End the producer's thread at once; what waits fails.

    `close` alone waits for records first, and on its time-out leaves the thread running.
    """
    producer._sender.force_close()  # noqa: SLF001  # the one way to end it; a test watches it
    with contextlib.suppress(KafkaTimeoutError):
        producer.close(timeout=1)
