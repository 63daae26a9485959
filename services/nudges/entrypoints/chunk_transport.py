"""Faust's Kafka transport with one stream event for each fetched chunk of a partition.

Faust spends some forty microseconds on an event before the agent sees it; a chunk of two thousand
records pays that once. It also counts offsets here, and only here: an offset is committed when the
chunk that ends before it, and every chunk of the partition before that, has been finished. Faust's
own bookkeeping (per event, with gaps) can commit past an event that was skipped or is in flight
(faust-streaming 606), so the topic is declared without it (`acks=False`).

These names of Faust 0.15.3 are private and are leaned on: `_drain_messages`, `_commit_offsets`,
`_filter_committable_offsets`, `_should_commit`, `_committed_offset`, `_wait_next_records`,
`_buffered_partitions`, `_read_offset`, `_new_consumer_thread`. The version is pinned exactly, and
tests/integration/nudges holds each behaviour to a real broker.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from services.kit.pace import BRISK
from services.kit.telemetry import log

POLL_SECONDS: Final = 1.0
# So many records have shared enough already: a backlog is worked off without rest.
ENOUGH_RECORDS: Final = 500
_FAUST_LOG: Final = logging.getLogger("faust.transport.chunks")


class RawRecord(Protocol):
    """A record as the client hands it over."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive records of one partition, fetched under one assignment of partitions."""

    partition: TP
    generation: int
    records: Sequence[RawRecord]

    @property
    def next_offset(self) -> int:
        """The offset that may be committed once this chunk is finished."""
        return self.records[-1].offset + 1


class ChunkConsumer(driver.Consumer):
    """Hands on chunks, and commits what was finished."""

    # Faust names a service's log after the module of its class; these lines are its own.
    logger = _FAUST_LOG

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._finished: dict[TP, tuple[int, int]] = {}
        self._expected: dict[TP, int] = {}
        self._doubted: dict[TP, int] = {}

    def finish(self, chunk: Chunk) -> None:
        """A chunk's outputs are acknowledged, and so are those of the chunks before it."""
        self._finished[chunk.partition] = (chunk.generation, chunk.next_offset)

    def positions(self) -> dict[TP, int]:
        """For each assigned partition, how far it is finished; 0 where nothing ever was."""
        found: dict[TP, int] = {}
        for tp in self.assignment():
            generation, offset = self._finished.get(tp, (-1, 0))
            committed = self._committed_offset[tp] or 0
            current = generation == self.app.consumer_generation_id
            found[tp] = max(offset, committed) if current else committed
        return found

    async def perform_seek(self) -> None:
        """Go back to what is committed: what was read and not finished comes again."""
        await super().perform_seek()
        self._expected = {tp: at for tp, at in self._read_offset.items() if at is not None}

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                fetched, active = await self._wait_next_records(POLL_SECONDS)
                began = time.monotonic()
                generation = self.app.consumer_generation_id
                if not self.flow_active:
                    await self._go_back()
                    continue
                fetched = fetched or {}
                for tp, records in fetched.items():
                    if self.suspend_flow.is_set() or generation != self.app.consumer_generation_id:
                        break
                    if active is None or tp in active or tp in self._buffered_partitions:
                        await self._hand_on(tp, generation, records)
                rest = BRISK.rest_after(sum(map(len, fetched.values())), ENOUGH_RECORDS)
                await self.sleep(max(0.0, began + rest - time.monotonic()))
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise

    async def _hand_on(self, tp: TP, generation: int, records: Sequence[Any]) -> None:
        first, last = records[0].offset, records[-1].offset
        if await self._doubt(tp, first):
            return
        chunk: Any = Chunk(tp, generation, records)
        message = ConsumerMessage(
            tp.topic, tp.partition, last, 0.0, 0, [], None, chunk, None, 0, 0, tp,
            generation_id=generation,
        )  # fmt: skip
        await self.wait_first(self.callback(message), self.suspend_flow.wait())
        self._read_offset[tp] = last
        self._expected[tp] = last + 1

    async def _doubt(self, tp: TP, first: int) -> bool:
        """Whether records are missing before these: then they are fetched once more.

        A hole is believed when it is seen a second time (retention has removed the records). The
        first time it may be a fetch that was dropped while partitions were being assigned, and
        committing past it would lose its records.
        """
        expected = self._expected.get(tp)
        if expected is None or first <= expected or self._doubted.get(tp) == first:
            self._doubted.pop(tp, None)
            return False
        self._doubted[tp] = first
        log(__name__).warning(
            "records missing, fetching again",
            extra={"topic": tp.topic, "partition": tp.partition, "offset": expected},
        )
        await self._thread.seek_wait({tp: expected})
        return True

    async def _go_back(self) -> None:
        try:
            await self.perform_seek()
        except Exception as failed:  # noqa: BLE001  # Faust seeks again once partitions are assigned
            log(__name__).warning("seek failed", extra={"code": type(failed).__name__})

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:  # noqa: ARG002  # Faust's own list is not used
        return {
            tp: offset
            for tp, (generation, offset) in self._finished.items()
            if generation == self.app.consumer_generation_id and self._should_commit(tp, offset)
        }

    async def _commit_offsets(
        self,
        offsets: Mapping[TP, int],
        start_new_transaction: bool = True,  # noqa: FBT001, FBT002  # Faust's own signature
    ) -> bool:
        before = {tp: self._committed_offset[tp] for tp in offsets}
        committed = await super()._commit_offsets(offsets, start_new_transaction)
        if not committed:
            # Faust notes a refused commit as done, and would never try it again.
            self._committed_offset.update(before)
        return bool(committed)

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _QuietThread(self, loop=self.loop, beacon=self.beacon)


class ChunkTransport(driver.Transport):
    """The transport whose consumer hands on chunks."""

    Consumer = ChunkConsumer


class _QuietThread(driver.AIOKafkaConsumerThread):
    """Tells of a crash in a log line; Faust prints the stack with the values in it."""

    logger = _FAUST_LOG

    def on_crash(self, msg: str, *fmt: Any, **kwargs: Any) -> None:  # noqa: ARG002  # Faust's own signature
        log(__name__).error("consumer thread crashed", exc_info=True)
