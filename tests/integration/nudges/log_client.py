"""Records onto a real log, and everything that stands on it."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from joinedup.nudges.v1.decision_pb2 import Decision
from tests.groups import forget_members
from tests.unit.nudges.builders import encoded

GROUP = "nudges.decide"


class LogClient:
    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
        self._marks: dict[str, dict[TopicPartition, int]] = {
            topic: self.ends(topic)
            for topic in ("decisions.v1", "life-events.v1", "life-events.v1.dead-letter")
        }

    def put(self, topic: str, key: Any, value: Any, headers: Any = (), **where: Any) -> Any:
        """One record, acknowledged."""
        return self._producer.send(topic, value, key, list(headers), **where).get(10)

    def put_message(self, topic: str, message: Any, headers: Any = ()) -> Any:
        """One message under its person's handle, as its writer encodes it."""
        record = encoded(message)
        key = message.subject.encode()
        return self.put(topic, key, record.value, [*record.headers, *headers])

    def put_many(self, topic: str, messages: Any) -> None:
        """Many messages, all acknowledged at the end."""
        sent = []
        for message in messages:
            record = encoded(message)
            key = message.subject.encode()
            sent.append(self._producer.send(topic, record.value, key, record.headers))
        for future in sent:
            future.get(30)

    def put_chunk(self, topic: str, key: bytes, records: Any) -> list[Any]:
        """Values and headers, one after the other onto the key's partition."""
        sent = [self._producer.send(topic, value, key, list(heads)) for value, heads in records]
        return [future.get(60) for future in sent]

    def new(self, topic: str) -> list[Any]:
        """Every record that came onto the topic since this client was made."""
        partitions = list(self._marks[topic])
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        try:
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            for each in partitions:
                consumer.seek(each, self._marks[topic][each])
            found = []
            while any(consumer.position(each) < ends[each] for each in partitions):
                for records in consumer.poll(timeout_ms=200).values():
                    found += records
            return found
        finally:
            consumer.close()

    def decisions(self) -> list[Decision]:
        """Every decision since this client was made."""
        return [Decision.FromString(each.value) for each in self.new("decisions.v1")]

    def letters(self) -> list[tuple[str, Any]]:
        """Every dead letter since this client was made, with its reason."""
        found = self.new("life-events.v1.dead-letter")
        return [(dict(each.headers)["dl_reason"].decode(), each) for each in found]

    def ends(self, topic: str) -> dict[TopicPartition, int]:
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        try:
            numbers = consumer.partitions_for_topic(topic) or set()
            return dict(consumer.end_offsets([TopicPartition(topic, each) for each in numbers]))
        finally:
            consumer.close()

    def committed(self) -> dict[int, int]:
        """What the group has committed, by partition of life-events.v1."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            found = admin.list_group_offsets([GROUP])[GROUP]
            return {tp.partition: at.offset for tp, at in found.items()}
        finally:
            admin.close()

    def drop_topic(self, topic: str) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.delete_topics([topic])
        finally:
            admin.close()

    def lag(self) -> int:
        committed = self.committed()
        ends = self.ends("life-events.v1")
        return sum(end - committed.get(tp.partition, 0) for tp, end in ends.items())

    def forget_members(self) -> None:
        """Take every worker's place in the group away, as the broker does after a while."""
        forget_members(self.bootstrap, GROUP)

    def reachable(self) -> bool:
        try:
            return bool(self.ends("life-events.v1"))
        except KafkaError:
            return False

    def close(self) -> None:
        self._producer.close(5)
