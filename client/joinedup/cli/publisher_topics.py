"""A publisher's own topics, for those who write to Kafka themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from joinedup.cli.home import ROOT, Home, Problem

_SECONDS: Final = 10.0
_FIX: Final = (
    "`make status` shows the broker; `python -m deploy.local topics` makes what is missing"
)


def make_topics(home: Home, publishers: Iterable[str]) -> list[str]:
    """Make the publishers' topics where a broker is running; those that were missing.

    Raises Problem when the broker does not answer.
    """
    return _with_broker(home, publishers, make=True)


def missing_topics(home: Home, publishers: Iterable[str]) -> list[str]:
    """The publishers' topics that the running broker does not have; raises Problem likewise."""
    return _with_broker(home, publishers, make=False)


def _with_broker(home: Home, publishers: Iterable[str], *, make: bool) -> list[str]:
    # Imported here: the client takes a while to load, and most commands need no broker.
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    from services.kit.topics import create_topics, instances, load_templates

    try:
        bootstrap = home.endpoints()["kafka"]
    except (KeyError, Problem):
        return []
    templates = load_templates(ROOT / "protos" / "topics")
    topics = [
        topic for each in publishers for topic in instances(templates, publisher=each).values()
    ]
    try:
        if make:
            return sorted(create_topics(bootstrap, topics, timeout_seconds=_SECONDS))
        with KafkaAdminClient(
            bootstrap_servers=bootstrap, bootstrap_timeout_ms=int(_SECONDS * 1000)
        ) as admin:
            there = set(admin.list_topics())
    except KafkaError as failed:
        said = f"the broker at {bootstrap} does not answer: {type(failed).__name__}"
        raise Problem("broker_unavailable", said, _FIX) from None
    return sorted({each.topic for each in topics} - there)
