"""From a fetched chunk to its decisions on the log: the edge around `process_chunk`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span

from services.kit.clock import Clock
from services.kit.dead_letter import dead_letter
from services.kit.retry import DELAYS, retry_transient
from services.kit.telemetry import log
from services.nudges import metrics, wire
from services.nudges.domain.errors import PermissionsUnavailable
from services.nudges.entrypoints import tracing
from services.nudges.entrypoints.chunk_transport import Chunk, RawRecord
from services.nudges.entrypoints.in_flight import InFlight
from services.nudges.ports import Decided, PoisonReason, ProcessChunk, RecordOutcome, SetAside

SERVICE: Final = "nudges"
MAX_RECORDS_IN_FLIGHT: Final = 4_000

Output = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]
SendAll = Callable[[Sequence[Output]], Awaitable[None]]
Leave = Callable[[str], None]


class Worker:
    """Takes chunks one after the other; several are on their way to the log at once.

    What is transient is tried again in place. When that does not help, or an output cannot be
    delivered, `leave` is called: it ends the process, and nothing of the chunk is committed.
    """

    def __init__(
        self,
        *,
        process: ProcessChunk,
        send_all: SendAll,
        dead_letters: str,
        clock: Clock,
        finish: Callable[[Chunk], None],
        leave: Leave,
        delays: Sequence[float] = DELAYS,
    ) -> None:
        """`send_all` writes (topic, key, value, headers) in order; `finish` hears of each chunk.

        `dead_letters` is the topic for what can never be decided; `delays` (seconds) are the waits
        before a transient failure is tried again.
        """
        self._process = process
        self._send_all = send_all
        self._dead_letters = dead_letters
        self._clock = clock
        self._finish = finish
        self._leave = leave
        self._delays = delays
        self._in_flight = InFlight(
            finish=self._finished, failed=self._undelivered, max_records=MAX_RECORDS_IN_FLIGHT
        )
        self.records_finished = 0

    async def take(self, chunk: Chunk) -> None:
        """Decide a chunk and set its outputs on their way; returns once another may be taken."""
        await self._in_flight.room()
        spans = [tracing.start_processing(chunk, record) for record in chunk.records]
        try:
            outcomes = await retry_transient(
                partial(self._decide, chunk.records, spans),
                transient=(PermissionsUnavailable,),
                delays=self._delays,
            )
        except PermissionsUnavailable as unavailable:
            log(__name__).error("permissions unavailable", extra={"code": unavailable.code})
            self._leave("permissions_unavailable")
            return
        metrics.chunk_decided(outcomes)
        delivery = asyncio.create_task(self._deliver(chunk, outcomes, spans))
        self._in_flight.add(chunk, len(chunk.records), [delivery])

    async def settle(self) -> None:
        """Wait until everything taken is finished."""
        await self._in_flight.empty()

    async def _decide(
        self, records: Sequence[RawRecord], spans: Sequence[Span]
    ) -> list[RecordOutcome]:
        faults = [wire.envelope_fault(record.value, record.headers) for record in records]
        values = [
            record.value or b""
            for record, fault in zip(records, faults, strict=True)
            if fault is None
        ]
        # A call to identity belongs to one person's trace only where one person was asked about.
        with trace.use_span(spans[0]) if len(spans) == 1 else nullcontext():
            decided = iter(await self._process(values, self._clock.now()))
        return [
            SetAside(fault) if fault is not None else _check_key(record, next(decided))
            for record, fault in zip(records, faults, strict=True)
        ]

    async def _deliver(
        self, chunk: Chunk, outcomes: Sequence[RecordOutcome], spans: Sequence[Span]
    ) -> None:
        outputs: list[Output] = []
        sending: list[Span] = []
        for record, outcome, span in zip(chunk.records, outcomes, spans, strict=True):
            tracing.describe(span, outcome)
            topic, key, value, headers = self._output(chunk, record, outcome)
            sent, carried = tracing.start_sending(span, topic, headers)
            outputs.append((topic, key, value, carried))
            sending.append(sent)
        await self._send_all(outputs)
        for ended in (*sending, *spans):
            ended.end()

    def _output(self, chunk: Chunk, record: RawRecord, outcome: RecordOutcome) -> Output:
        if isinstance(outcome, Decided):
            key = outcome.decision.subject.encode()
            return wire.DECISIONS, key, outcome.written.value, [*outcome.written.headers]
        letter = dead_letter(
            topic=chunk.partition.topic,
            partition=chunk.partition.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            headers=record.headers,
            reason=str(outcome.reason),
            service=SERVICE,
            now=self._clock.now(),
        )
        return self._dead_letters, letter.key, letter.value, letter.headers

    def _finished(self, chunk: Chunk) -> None:
        self.records_finished += len(chunk.records)
        self._finish(chunk)

    def _undelivered(self, error: BaseException | None) -> None:
        log(__name__).error("output undelivered", extra={"code": type(error).__name__})
        self._leave("output_undelivered")


def _check_key(record: RawRecord, outcome: RecordOutcome) -> RecordOutcome:
    """A record under another key than its person's would be out of order with all the others."""
    if isinstance(outcome, Decided) and record.key != outcome.decision.subject.encode():
        return SetAside(PoisonReason.KEY_MISMATCH)
    return outcome
