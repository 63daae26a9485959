"""Topics as data: one YAML file each, and making them on a broker.

A name may leave places open (`orders.{shop}.v1`): that file is a template, of which there is a
topic for each value.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from services.kit.catalogue import load_file
from services.kit.schema_check import Schema

HOUR_MS: Final = 3_600_000
DEAD_LETTER_SUFFIX: Final = ".dead-letter"
MAX_RECORD_BYTES: Final = 1024 * 1024
_PLACE: Final = re.compile(r"\{([a-z]+)\}")
_VALUE: Final = r"[a-z][a-z0-9-]*"
_TOPIC_NAME: Final = r"^[a-z][a-z0-9-]*(\.([a-z0-9-]+|\{[a-z]+\}))*\.v[1-9][0-9]*(\.dead-letter)?$"
_SCHEMA: Final = Schema(
    {
        "type": "object",
        "additionalProperties": False,
        "required": [
            *("topic", "description", "value", "key", "producers", "consumers"),
            *("partitions", "retention_hours", "compacted", "personal_data"),
        ],
        "properties": {
            "topic": {"type": "string", "pattern": _TOPIC_NAME},
            "description": {"type": "string", "minLength": 10},
            "value": {"type": "string", "minLength": 1},
            "key": {"type": "string", "minLength": 1},
            "producers": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "consumers": {"type": "array", "items": {"type": "string"}},
            "partitions": {"type": "integer", "minimum": 1, "maximum": 1000},
            "retention_hours": {"type": "integer", "minimum": -1},
            "compacted": {"type": "boolean"},
            "personal_data": {"type": "string", "minLength": 1},
            "dead_letter": {"type": "string", "pattern": _TOPIC_NAME},
        },
    }
)


class TopicMismatch(Exception):
    """A topic on the broker has other partitions than declared: its keys would move."""


@dataclass(frozen=True)
class Topic:
    """What a topic carries, from whom, to whom, and for how long (hours; -1 for ever)."""

    topic: str
    description: str
    value: str
    key: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    partitions: int
    retention_hours: int
    compacted: bool
    personal_data: str
    dead_letter: str | None = None

    def broker_settings(self) -> dict[str, str]:
        """The topic's settings on the broker."""
        retention = self.retention_hours * HOUR_MS if self.retention_hours > 0 else -1
        longest_segment = min(6 * HOUR_MS, retention // 24) if retention > 0 else 6 * HOUR_MS
        shared = {
            # A producer's clock must not decide how long its record is kept.
            "message.timestamp.type": "LogAppendTime",
            "retention.ms": str(retention),
            # Retention and compaction act on closed segments only.
            "segment.ms": str(longest_segment),
            "max.message.bytes": str(max_record_bytes(self.topic)),
        }
        if not self.compacted:
            return {**shared, "cleanup.policy": "delete"}
        return {
            **shared,
            "cleanup.policy": "compact",
            "max.compaction.lag.ms": str(24 * HOUR_MS),
            "delete.retention.ms": str(7 * 24 * HOUR_MS),
        }

    @property
    def places(self) -> frozenset[str]:
        """What its name leaves open; nothing, unless it is a template."""
        return frozenset(_PLACE.findall(self.topic))

    def of(self, **values: str) -> "Topic":
        """The topic of a template for these values; raises ValueError for one no name can have."""
        dead_letter = self.dead_letter and _filled(self.dead_letter, values)
        return replace(self, topic=_filled(self.topic, values), dead_letter=dead_letter)


def max_record_bytes(topic: str) -> int:
    """What a topic takes as one record; a dead letter is a whole record and its reason."""
    return MAX_RECORD_BYTES * (2 if topic.endswith(DEAD_LETTER_SUFFIX) else 1)


def load_topics(directory: Path) -> dict[str, Topic]:
    """Every topic declared in a folder, by name, templates left out; raises CatalogueInvalid."""
    return {name: topic for name, topic in _declared(directory).items() if not topic.places}


def load_templates(directory: Path) -> dict[str, Topic]:
    """Every template declared in a folder, by its name with the places; raises CatalogueInvalid."""
    return {name: topic for name, topic in _declared(directory).items() if topic.places}


def instances(templates: Mapping[str, Topic], **values: str) -> dict[str, Topic]:
    """The topics for these values, by name, of the templates that leave open just these places.

    Raises ValueError for a value that no name can have.
    """
    fitting = (each for each in templates.values() if each.places == values.keys())
    return {topic.topic: topic for topic in (each.of(**values) for each in fitting)}


def pattern_of(template: str) -> re.Pattern[str]:
    """What the names of a template's topics match, with a group for each place."""
    text = "".join(
        f"(?P<{part}>{_VALUE})" if index % 2 else re.escape(part)
        for index, part in enumerate(_PLACE.split(template))
    )
    return re.compile(f"^{text}$")


def _declared(directory: Path) -> dict[str, Topic]:
    found: dict[str, Topic] = {}
    for path in sorted(directory.glob("*.yaml")):
        fields: dict[str, Any] = load_file(path, _SCHEMA).data
        lists = {each: tuple(fields[each]) for each in ("producers", "consumers")}
        found[fields["topic"]] = Topic(**{**fields, **lists})
    return found


def _filled(name: str, values: Mapping[str, str]) -> str:
    for value in values.values():
        if re.fullmatch(_VALUE, value) is None:
            raise ValueError("only small letters, digits and hyphens can be part of a topic's name")
    return _PLACE.sub(lambda place: values[place[1]], name)


def create_topics(
    bootstrap: str,
    topics: Mapping[str, Topic] | Iterable[Topic],
    progress: Callable[[str], None] | None = None,
    *,
    replication_factor: int = -1,
    timeout_seconds: float = 30.0,
) -> list[str]:
    """Create what is missing and wait until all have leaders; answers what was created.

    A replication factor of -1 is the broker's own default. Blocks; raises TopicMismatch, or the
    client's KafkaError when there is no broker.
    """
    wanted = list(topics.values() if isinstance(topics, Mapping) else topics)
    timeout_ms = int(timeout_seconds * 1000)
    with KafkaAdminClient(
        bootstrap_servers=bootstrap, bootstrap_timeout_ms=timeout_ms, client_id="topics"
    ) as admin:
        there = set(admin.list_topics())
        missing = [each for each in wanted if each.topic not in there]
        created = _create(admin, missing, replication_factor)
        if progress is not None:
            for name in created:
                progress(name)
        admin.wait_for_topics([each.topic for each in wanted], timeout_ms=timeout_ms)
        _compare(admin.describe_topics([each.topic for each in wanted]), wanted)
    return created


def _create(admin: Any, topics: list[Topic], replication_factor: int) -> list[str]:
    """Create topics in one call; somebody else may have been faster with some of them."""
    request = {
        topic.topic: {
            "num_partitions": topic.partitions,
            "replication_factor": replication_factor,
            "configs": topic.broker_settings(),
        }
        for topic in topics
    }
    if not request:
        return []
    created = []
    for each in admin.create_topics(request, raise_errors=False)["topics"]:
        error: type[KafkaError] | None = (
            for_code(each["error_code"]) if each["error_code"] else None
        )
        if error is None:
            created.append(each["name"])
        elif error is not TopicAlreadyExistsError:
            raise error
    return created


def _compare(described: list[dict[str, Any]], wanted: list[Topic]) -> None:
    there = {each["name"]: len(each["partitions"]) for each in described}
    for topic in wanted:
        if there.get(topic.topic) != topic.partitions:
            raise TopicMismatch(
                f"{topic.topic} has {there.get(topic.topic)} partitions, {topic.partitions} "
                "are declared; a keyed topic's number never changes, make a new version"
            )
