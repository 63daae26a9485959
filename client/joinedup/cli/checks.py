"""What `joinedup doctor` looks at; every finding comes with its cure."""

from __future__ import annotations

import asyncio
import platform
import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from joinedup.cli.home import ROOT, Home, Problem

_DISK_NEEDED_GB: Final = 2.0
_CLOCK_APART_SECONDS: Final = 5.0
_CALL_SECONDS: Final = 3.0
_PYTHON: Final = ((3, 11), (3, 13))
# A probe's port is the service's own plus one.
_PROBED: Final = ("events_http", "identity_grpc", "notifications_grpc", "portal")
# nudges has nothing but its probe, so many ports after the one that the metrics come from.
_NUDGES_AFTER_METRICS: Final = 30
_TOOLS: Final = {
    "java": (
        ("java", "-version"),
        "install Java 17, e.g. `apt-get install openjdk-17-jre-headless`",
    ),
    "redis-server": (("redis-server", "--version"), "`apt-get install redis-server`"),
    "mvn": (("mvn", "-v"), "install Maven: it fetches Kafka's and Zipkin's jars"),
}
_LIBRARIES: Final = ("joined-up", "faust-streaming", "kafka-python", "grpcio", "protobuf")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    good: bool
    seen: str
    fix: str = ""

    def document(self) -> dict[str, Any]:
        """The finding as data."""
        return asdict(self)


async def examine(home: Home) -> list[Finding]:
    """Look at everything; what depends on a running platform only when one runs."""
    findings = [_python(), _disk(home.path), *await asyncio.gather(*map(_tool, _TOOLS))]
    try:
        endpoints = home.endpoints()
    except Problem as missing:
        return [*findings, Finding("platform", good=False, seen=missing.detail, fix=missing.fix)]
    async with httpx.AsyncClient(timeout=_CALL_SECONDS, trust_env=False) as http:
        return [
            *findings,
            *_keys(home),
            *await asyncio.gather(*(_port(*each) for each in endpoints.items())),
            *await asyncio.gather(*(_ready(http, *each) for each in probes(endpoints).items())),
            await _clock(http, endpoints.get("events_http", "")),
            await asyncio.to_thread(_broker, endpoints.get("kafka", "")),
        ]


def probes(endpoints: Mapping[str, str]) -> dict[str, str]:
    """Where each of our own processes says whether it is ready, by service."""
    found = {}
    for name in _PROBED:
        if name in endpoints:
            host, port = _place(endpoints[name])
            found[name.partition("_")[0]] = f"http://{host}:{port + 1}/health/ready"
    if "metrics" in endpoints:
        host, port = _place(endpoints["metrics"])
        found["nudges"] = f"http://{host}:{port + _NUDGES_AFTER_METRICS}/health/ready"
    return found


def _python() -> Finding:
    version = platform.python_version()
    good = _PYTHON[0] <= sys.version_info[:2] < _PYTHON[1]
    installed = []
    for name in _LIBRARIES:
        try:
            installed.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    seen = f"Python {version}; {', '.join(installed)}"
    return Finding("versions", good, seen, "use Python 3.11 or 3.12; `make setup` makes .venv")


async def _tool(name: str) -> Finding:
    command, fix = _TOOLS[name]
    if shutil.which(command[0]) is None:
        return Finding(name, good=False, seen="not on this machine", fix=fix)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    first = re.sub(r"\x1b\[[0-9;]*m", "", output.decode(errors="replace")).splitlines()
    return Finding(name, process.returncode == 0, first[0] if first else "no answer", fix)


def _disk(path: Path) -> Finding:
    existing = next(each for each in (path, *path.parents) if each.exists())
    free = shutil.disk_usage(existing).free / 1024**3
    fix = f"free some space on the disk of {existing}, or move JOINEDUP_HOME"
    return Finding("disk", free >= _DISK_NEEDED_GB, f"{free:.1f} GB free", fix)


def _keys(home: Home) -> list[Finding]:
    publishers = home.publishers()
    fix = "`make up` makes the keys that are missing"
    seen = f"{len(publishers)} publishers' keys" if publishers else "no publisher's key"
    operator = (home.path / "keys" / "services" / "operator.private.pem").is_file()
    said = "there" if operator else "missing"
    return [
        Finding("publisher keys", bool(publishers), seen, fix),
        Finding("operator key", operator, said, fix),
    ]


async def _port(name: str, address: str) -> Finding:
    host, port = _place(address)
    fix = f"`make status` shows what ended; its log is in {ROOT / 'build' / 'run' / 'logs'}"
    try:
        async with asyncio.timeout(_CALL_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
    except (OSError, TimeoutError):
        return Finding(f"address {name}", good=False, seen=f"nobody at {address}", fix=fix)
    return Finding(f"address {name}", good=True, seen=address)


async def _ready(http: httpx.AsyncClient, service: str, url: str) -> Finding:
    name = f"ready {service}"
    fix = f"see the log of {service}: it waits for its migrations, the broker and the others"
    try:
        answer = await http.get(url)
    except httpx.HTTPError as failed:
        return Finding(name, good=False, seen=f"no answer: {type(failed).__name__}", fix=fix)
    seen = "ready" if answer.is_success else answer.text.strip()[:200]
    return Finding(name, answer.is_success, seen, fix)


async def _clock(http: httpx.AsyncClient, events: str) -> Finding:
    fix = "set this machine's clock (NTP): tokens live for minutes"
    try:
        answer = await http.get(f"{events}/health/live")
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (httpx.HTTPError, KeyError, ValueError):
        return Finding("clock", good=False, seen="the events service told no time", fix=fix)
    apart = abs(time.time() - theirs)
    seen = f"{apart:.0f} s apart from the platform's"
    return Finding("clock", apart <= _CLOCK_APART_SECONDS, seen, fix)


def _broker(bootstrap: str) -> Finding:
    # Imported here: the client takes a while to load and only this check needs it.
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    from deploy.local.errors import LocalError
    from deploy.local.topics import declared

    try:
        topics = declared(ROOT)
    except LocalError as broken:
        return Finding("broker", good=False, seen=str(broken), fix="mend that file")
    fix = "`python -m deploy.local topics` makes missing topics; `make status` shows the broker"
    try:
        with KafkaAdminClient(
            bootstrap_servers=bootstrap, bootstrap_timeout_ms=int(_CALL_SECONDS * 1000)
        ) as admin:
            there = set(admin.list_topics())
    except KafkaError as failed:
        return Finding("broker", good=False, seen=f"no answer: {type(failed).__name__}", fix=fix)
    missing = sorted(set(topics) - there)
    seen = f"missing topics: {', '.join(missing)}" if missing else f"{len(topics)} topics"
    return Finding("broker", not missing, seen, fix)


def _place(address: str) -> tuple[str, int]:
    parts = urlsplit(address if "://" in address else f"//{address}")
    return parts.hostname or "127.0.0.1", parts.port or 80
