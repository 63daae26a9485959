"""The events service as a real process, with real stores and an identity that tests direct."""

from __future__ import annotations

import base64
import hmac
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

import httpx
import psycopg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from joserfc import jwt
from joserfc.jwk import ECKey
from kafka import KafkaConsumer, TopicPartition

from deploy.local.topics import declared
from joinedup.events.v1 import life_event_record_pb2 as record_pb
from services.kit.ids import new_random_id
from services.kit.service_tokens import generate_keypair
from services.kit.topics import create_topics
from tests.directed_identity import NOW, Identity
from tests.groups import forget_members
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
PUBLISHERS: Final = tuple(path.stem for path in (ROOT / "catalogue" / "publishers").glob("*.yaml"))
GROUPS: Final = ("events.decided", "events.inbound")
_START_SECONDS: Final = 90


class EventsService:
    """One process of `python -m services.events`, and what a test does to it from outside."""

    def __init__(
        self,
        folder: Path,
        *,
        kafka: str,
        database_url: str,
        **settings: str,
    ) -> None:
        self.folder = folder
        self.kafka = kafka
        self.database_url = database_url
        self.catalogue = Path(shutil.copytree(ROOT / "catalogue", folder / "catalogue"))
        self.offset = NOW - datetime.now(UTC)
        self._make_keys()
        self.identity = Identity(folder / "services")
        self.log_file = folder / "events.log"
        self.port, self.grpc_port, self.probe_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "EVENTS_ENVIRONMENT": "test",
            "EVENTS_CLOCK_OFFSET_SECONDS": str(self.offset.total_seconds()),
            "EVENTS_HTTP_PORT": str(self.port),
            "EVENTS_GRPC_PORT": str(self.grpc_port),
            "EVENTS_PROBE_PORT": str(self.probe_port),
            "EVENTS_DATABASE_URL": database_url,
            "EVENTS_KAFKA_BOOTSTRAP": kafka,
            "EVENTS_PUBLISHER_KEYS_DIR": str(folder / "publishers"),
            "EVENTS_SERVICE_KEY_FILE": str(folder / "services" / "events.private.pem"),
            "EVENTS_CATALOGUE_DIR": str(self.catalogue),
            **{f"EVENTS_{name.upper()}": value for name, value in settings.items()},
            "PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'python'}",
            "PATH": os.environ["PATH"],
        }
        self.target = f"127.0.0.1:{self.grpc_port}"
        self.http = httpx.Client(base_url=self.url, timeout=15, trust_env=False)

    def __enter__(self) -> Self:
        self.identity.start()
        self.environment["EVENTS_IDENTITY_TARGET"] = self.identity.target
        create_topics(self.kafka, declared(ROOT))
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            assert self.stop() == 0, self.log_text()
        finally:
            self.identity.stop()
            self.http.close()

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.events"],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            assert self.process.poll() is None, self.log_text()
            assert time.monotonic() < deadline, self.log_text()
            time.sleep(0.05)

    def stop(self) -> int:
        """Ask the process to end; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def kill(self) -> None:
        """End the process as a machine ends that loses power; nobody waits for its place."""
        self.process.kill()
        self.process.wait()
        for group in GROUPS:
            forget_members(self.kafka, group)

    def is_ready(self) -> bool:
        """Whether the probe says so."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.probe_port}/health/ready", trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def metrics(self) -> str:
        """The probe's metrics."""
        return httpx.get(f"http://127.0.0.1:{self.probe_port}/metrics", trust_env=False).text

    def now(self) -> datetime:
        """The time as the service has it."""
        return datetime.now(UTC) + self.offset

    def key(self, publisher: str) -> ECKey:
        """A publisher's private key."""
        return ECKey.import_key(
            (self.folder / "publishers" / f"{publisher}.private.pem").read_bytes()
        )

    def token(
        self,
        publisher: str = "gro",
        *,
        key: Any = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A publisher's token; a claim given as None is left out."""
        issued = int(self.now().timestamp())
        standard = {
            "iss": publisher,
            "aud": "joinedup-events",
            "iat": issued,
            "exp": issued + 120,
            "jti": new_random_id(),
        }
        wanted = {"alg": "ES256", "typ": "publisher+jwt", "kid": f"{publisher}-1", **(header or {})}
        payload = {name: value for name, value in (standard | claims).items() if value is not None}
        signing = self.key(publisher) if key is None else key
        if wanted["alg"] == "RS256":
            return jwt.encode(wanted, payload, signing, ["RS256"])
        return _compact(wanted, payload, signing)

    def metadata(self, publisher: str = "gro", **claims: Any) -> tuple[tuple[str, str], ...]:
        """The metadata of a call, with a fresh token."""
        return (("authorization", f"Bearer {self.token(publisher, **claims)}"),)

    def publish(
        self, body: Mapping[str, Any] | bytes, publisher: str = "gro", **headers: str
    ) -> httpx.Response:
        """POST an event with a fresh token."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.token(publisher)}", "content-type": STRUCTURED}
        return self.http.post("/v1/events", content=content, headers={**sent, **headers})

    def publish_batch(
        self, events: Sequence[Mapping[str, Any] | bytes], publisher: str = "gro", **headers: str
    ) -> httpx.Response:
        """POST events as one batch, with one token."""
        texts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in events]
        body = b"[" + b",".join(texts) + b"]"
        return self.publish(body, publisher, **{"content-type": BATCH, **headers})

    def publish_binary(
        self, event: Mapping[str, Any], publisher: str = "gro", **headers: str
    ) -> httpx.Response:
        """POST an event whose attributes are headers."""
        attributes = {
            f"ce-{name}": quote(str(value), safe=" /:.-+")
            for name, value in event.items()
            if name not in {"data", "datacontenttype"}
        }
        data = json.dumps(event["data"]).encode()
        sent = {"content-type": "application/json", **attributes, **headers}
        return self.publish(data, publisher, **sent)

    def follow(self, event_id: str, publisher: str = "gro") -> httpx.Response:
        """GET how far an event has come."""
        headers = {"authorization": f"Bearer {self.token(publisher)}"}
        return self.http.get(f"/v1/events/{event_id}", headers=headers)

    def log_text(self) -> str:
        """Everything the process has written."""
        return self.log_file.read_text()

    def log_lines(self) -> list[dict[str, Any]]:
        """The process's log lines."""
        return [json.loads(line) for line in self.log_text().splitlines() if line.startswith("{")]

    def _make_keys(self) -> None:
        for kind, names in (("services", ("events",)), ("publishers", PUBLISHERS)):
            for name in names:
                base = self.folder / kind / name
                generate_keypair(base.with_suffix(".private.pem"), base.with_suffix(".public.pem"))


@dataclass
class Log:
    """A topic, read from where it stood when this was made."""

    bootstrap: str
    topic: str = "life-events.v1"

    def __post_init__(self) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=None, enable_auto_commit=False
        )
        numbers = self._consumer.partitions_for_topic(self.topic)
        self._partitions = [TopicPartition(self.topic, number) for number in numbers]
        self._consumer.assign(self._partitions)
        for partition, end in self.ends().items():
            self._consumer.seek(partition, end)

    def ends(self) -> dict[TopicPartition, int]:
        """Where each partition ends now."""
        return dict(self._consumer.end_offsets(self._partitions))

    def new(self) -> list[Any]:
        """Every record appended since the last call."""
        ends = self.ends()
        found: list[Any] = []
        while any(self._consumer.position(each) < end for each, end in ends.items()):
            for records in self._consumer.poll(timeout_ms=1000).values():
                found += records
        return found

    def events(self) -> list[tuple[bytes, record_pb.LifeEventRecord, dict[str, bytes]]]:
        """The same as life events: key, message, headers."""
        return [
            (each.key, record_pb.LifeEventRecord.FromString(each.value), dict(each.headers))
            for each in self.new()
        ]

    def close(self) -> None:
        """End the client."""
        self._consumer.close()


def _compact(header: Mapping[str, Any], payload: Mapping[str, Any], key: ECKey | bytes) -> str:
    """A token made by hand: a library refuses to sign most of what an attacker would."""
    text = ".".join(_base64(json.dumps(part).encode()) for part in (header, payload))
    if header["alg"] == "none":
        return f"{text}."
    if isinstance(key, bytes):
        return f"{text}.{_base64(hmac.digest(key, text.encode(), 'sha256'))}"
    signature = key.get_op_key("sign").sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    numbers = utils.decode_dss_signature(signature)
    return f"{text}.{_base64(b''.join(each.to_bytes(32, 'big') for each in numbers))}"


def _base64(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def rows_of(database_url: str, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """What a query finds."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(statement, values or None).fetchall()
