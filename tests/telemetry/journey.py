"""One journey full of marked personal data, and everything that the platform says about it."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kafka import KafkaConsumer, TopicPartition

from deploy.local.ports import OFFSETS
from tests.end_to_end.people import Parent

if TYPE_CHECKING:
    from deploy.local.platform import Platform

_LOOKBACK_MS = 3_600_000
_SPANS_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Marked:
    """Values that nobody else's data holds, one for each kind of personal value."""

    given: str = field(default_factory=lambda: f"Zygwen{secrets.token_hex(4)}")
    family: str = field(default_factory=lambda: f"Zyvaughan{secrets.token_hex(4)}")
    child: str = field(default_factory=lambda: f"Zychild{secrets.token_hex(4)}")
    postcode: str = "ZE3 9ZY"
    born: str = "1991-07-29"
    parent: Parent = field(default_factory=Parent)

    def line(self) -> dict[str, Any]:
        """The mother, for `joinedup people add`."""
        return {**self.parent.line(), **self._personal(self.given)}

    def birth(self) -> dict[str, Any]:
        """A birth event in which every personal value is marked."""
        event = self.parent.birth()
        child, mother = event["data"]["persons"]
        child["name"] = {"given": [self.child], "family": self.family}
        mother.update(self._personal(self.given))
        return event

    def refused(self) -> dict[str, Any]:
        """The same with a mistake: the answer must not repeat what was sent."""
        event = self.birth()
        event["data"]["persons"][1]["nickname"] = self.given
        return event

    def _personal(self, given: str) -> dict[str, Any]:
        name = {"given": [given], "family": self.family}
        return {"name": name, "birth_date": self.born, "postcode": self.postcode}

    @property
    def values(self) -> dict[str, str]:
        """What must not be found, by what it is; compared without case and spaces."""
        return {
            "given name": self.given,
            "family name": self.family,
            "child's name": self.child,
            "postcode": self.postcode,
            "birth date": self.born,
            "NINO": self.parent.nino,
            "sign-in": self.parent.sub,
        }


def telemetry(platform: Platform, trace_id: str) -> dict[str, str]:
    """Everything the platform said to operators: log files, metrics, spans; by where it stands."""
    said = {str(path.relative_to(platform.home)): path.read_text(errors="replace")
            for path in log_files(platform.home)}  # fmt: skip
    said |= {f"metrics at {url}": fetch(url) for url in metric_pages(platform)}
    said["spans"] = json.dumps(spans(platform, trace_id)) + fetch(
        f"{platform.endpoints['traces']}/api/v2/traces?limit=2000&lookback={_LOOKBACK_MS}"
    )
    return said


def log_files(home: Path) -> Iterator[Path]:
    """Every log of every process, databases and broker included."""
    yield from (path for path in (home / "logs").rglob("*") if path.is_file())


def metric_pages(platform: Platform) -> Iterator[str]:
    """The metrics of each of our processes."""
    base = (urlsplit(platform.endpoints["traces"]).port or 0) - OFFSETS["traces"]
    for name, offset in OFFSETS.items():
        if name.endswith("_probe") and not name.startswith("notifications_2"):
            yield f"http://127.0.0.1:{base + offset}/metrics"


def spans(platform: Platform, trace_id: str) -> list[dict[str, Any]]:
    """The spans of a trace as far as they have come."""
    try:
        found: list[dict[str, Any]] = json.loads(
            fetch(f"{platform.endpoints['traces']}/api/v2/trace/{trace_id}")
        )
    except urllib.error.HTTPError:
        return []
    return found


def whole_trace(
    platform: Platform, trace_id: str, services: frozenset[str]
) -> list[dict[str, Any]]:
    """The spans once they cover the services and every parent is there, or what there is."""
    deadline = time.monotonic() + _SPANS_SECONDS
    while True:
        found = spans(platform, trace_id)
        if not orphans(found) and services_of(found) >= services:
            return found
        if time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def services_of(found: list[dict[str, Any]]) -> frozenset[str]:
    """The processes that a trace went through."""
    return frozenset(each["localEndpoint"]["serviceName"] for each in found)


def orphans(found: list[dict[str, Any]]) -> list[str]:
    """Spans whose parent is missing."""
    known = {each["id"] for each in found}
    return [each["name"] for each in found if each.get("parentId", each["id"]) not in known]


def edges(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Which process led on to which other."""
    service = {each["id"]: each["localEndpoint"]["serviceName"] for each in found}
    return {
        (service[each["parentId"]], service[each["id"]])
        for each in found
        if each.get("parentId") in service and service[each["parentId"]] != service[each["id"]]
    }


def records(platform: Platform) -> list[Any]:
    """Every record on every topic of ours."""
    consumer = KafkaConsumer(bootstrap_servers=platform.endpoints["kafka"], group_id=None)
    try:
        names = [each for each in consumer.topics() if not each.startswith("__")]
        places = [
            TopicPartition(name, number)
            for name in names
            for number in consumer.partitions_for_topic(name) or ()
        ]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        found: list[Any] = []
        while any(consumer.position(place) < end for place, end in ends.items()):
            for batch in consumer.poll(timeout_ms=500).values():
                found.extend(batch)
        return found
    finally:
        consumer.close()


def fetch(url: str) -> str:
    """The text at an address on loopback."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text
