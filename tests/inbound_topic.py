"""A publisher's own topic, as the publisher has it: writing there, and reading what was refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from tests.events_service import STRUCTURED
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.events_service import EventsService

GROUP: Final = "events.inbound"


@dataclass(frozen=True)
class Letter:
    """A record that came back."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def offset(self) -> int:
        return int(self.headers["dl_offset"])

    @property
    def code(self) -> str:
        return self.headers["dl_reason"].decode()

    @property
    def problem(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.headers["dl_problem"])
        return found


class NoText(str):
    """A header's name whose bytes are no UTF-8."""

    __slots__ = ()

    def encode(self, *_arguments: Any) -> bytes:
        """What stands on the topic."""
        return b"\xff\xfe"


class InboundTopic:
    """Writes to one publisher's topic, and reads its dead letters, those that come from now on."""

    def __init__(
        self, service: EventsService, publisher: str = "gro", *, from_start: bool = False
    ) -> None:
        self.service = service
        self.publisher = publisher
        self.topic = f"inbound-events.{publisher}.v1"
        self._producer = KafkaProducer(bootstrap_servers=service.kafka, max_request_size=8 << 20)
        self._consumer = KafkaConsumer(
            bootstrap_servers=service.kafka, group_id=None, enable_auto_commit=False
        )
        self._refused = TopicPartition(f"{self.topic}.dead-letter", 0)
        self._consumer.assign([self._refused])
        (self._consumer.seek_to_beginning if from_start else self._consumer.seek_to_end)()
        self._consumer.position(self._refused)
        self._letters: list[Letter] = []

    def headers(self, jti: str | None, **changed: bytes | str | None) -> list[tuple[str, bytes]]:
        """A record's headers, with a fresh token for this event; None leaves one out."""
        wanted: dict[str, bytes | str | None] = {
            "authorization": f"Bearer {self.service.token(self.publisher, jti=jti)}",
            "content-type": STRUCTURED,
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        return [
            (name, value.encode() if isinstance(value, str) else value)
            for name, value in wanted.items()
            if value is not None
        ]

    def put(self, body: Mapping[str, Any], **changed: bytes | str | None) -> int:
        """Write an event with its token; its offset once the broker has it."""
        return self.put_raw(json.dumps(body).encode(), self.headers(str(body["id"]), **changed))

    def put_raw(
        self,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        key: bytes | None = None,
        timestamp_ms: int | None = None,
    ) -> int:
        """Write whatever it is."""
        sent = self._producer.send(
            self.topic, value, key=key, headers=list(headers), timestamp_ms=timestamp_ms
        )
        return int(sent.get(10).offset)

    def put_all(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Write events as fast as they go."""
        for body in bodies:
            headers = self.headers(str(body["id"]))
            self._producer.send(self.topic, json.dumps(body).encode(), headers=headers)
        self._producer.flush(30)

    def letters(self) -> list[Letter]:
        """Every dead letter since this was made."""
        end = self._consumer.end_offsets([self._refused])[self._refused]
        while self._consumer.position(self._refused) < end:
            for records in self._consumer.poll(timeout_ms=1000).values():
                self._letters += [
                    Letter(each.key, each.value, dict(each.headers)) for each in records
                ]
        return list(self._letters)

    def letter_of(self, offset: int, seconds: float = 20) -> Letter:
        """The dead letter of a record, waited for."""
        (letter,) = eventually(
            lambda: [each for each in self.letters() if each.offset == offset],
            seconds,
            self.service.log_text,
        )
        return letter

    def lag(self) -> int:
        """How many records nobody has committed."""
        partition = TopicPartition(self.topic, 0)
        end = int(self._consumer.end_offsets([partition])[partition])
        with KafkaAdminClient(bootstrap_servers=self.service.kafka) as admin:
            committed = admin.list_group_offsets(GROUP)[GROUP]
        return end - max(0, committed[partition].offset if partition in committed else 0)

    def settle(self, seconds: float = 30) -> None:
        """Wait until everything that was written is answered and committed."""
        eventually(lambda: self.lag() == 0, seconds, self.service.log_text)

    def close(self) -> None:
        """End the clients."""
        self._producer.close()
        self._consumer.close()
