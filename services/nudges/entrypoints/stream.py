"""The Faust app around the worker, and the life of the process: join, serve, watch, leave."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import faust
from faust.serializers.codecs import Codec
from mode.supervisors import CrashingSupervisor

from services.kit.clock import Clock
from services.kit.probe import Probe
from services.kit.run import EXIT_FAILED
from services.kit.telemetry import log
from services.nudges import metrics, wire
from services.nudges.entrypoints.chunk_transport import ChunkConsumer, ChunkTransport
from services.nudges.entrypoints.watchdog import Watchdog
from services.nudges.entrypoints.worker import Leave, Worker

SESSION_SECONDS: Final = 10.0
HEARTBEAT_SECONDS: Final = 1.0
COMMIT_SECONDS: Final = 0.5
# A chunk is decided in one go: with more, the loop would stand still for half a second.
MAX_CHUNK_RECORDS: Final = 500
MAX_QUEUED_CHUNKS: Final = 16
LOOK_SECONDS: Final = 2.0
# What a stop may take: finishing what is in flight, then Faust's own shutdown, which can hang.
SETTLE_SECONDS: Final = 3.0
STOP_SECONDS: Final = 5.0


class LogEnds(Protocol):
    """Where the partitions of life-events.v1 begin and end."""

    async def bounds(self, partitions: Iterable[int]) -> Mapping[int, tuple[int, int]] | None:
        """First offset and end of each partition; None when nobody says."""


@dataclass(frozen=True, slots=True)
class Group:
    """Where and as whom this process reads."""

    bootstrap: str
    slot: str
    data_dir: Path


class _AsItIs(Codec):
    """Hands a chunk through Faust's decoding untouched."""

    def _loads(self, s: Any) -> Any:
        return s

    def loads(self, s: Any) -> Any:
        return s


def create_stream_app(group: Group) -> faust.App:
    """The app, without agents; nothing of its defaults is left to chance."""
    # While a backlog is worked off its timers come late by design, and say so ten times a second.
    logging.getLogger("mode.timers").setLevel(logging.ERROR)
    app = faust.App(
        wire.GROUP,
        broker=f"kafka://{group.bootstrap}",
        consumer_group_instance_id=group.slot,
        processing_guarantee="at_least_once",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        store="memory://",
        datadir=str(group.data_dir),
        agent_supervisor=CrashingSupervisor,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_rebalance_timeout=2 * SESSION_SECONDS,
        broker_request_timeout=2 * SESSION_SECONDS,
        broker_max_poll_interval=120.0,
        broker_max_poll_records=MAX_CHUNK_RECORDS,
        broker_commit_interval=COMMIT_SECONDS,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=MAX_QUEUED_CHUNKS,
        stream_wait_empty=False,
    )
    app.transport = ChunkTransport(app.conf.broker_consumer, app)
    return app


def consumer_of(app: faust.App) -> ChunkConsumer:
    """The app's consumer; it exists once the app has started."""
    consumer = app.consumer
    assert isinstance(consumer, ChunkConsumer)  # noqa: S101  # the transport above makes no other
    return consumer


class Stream:
    """A worker behind an app, from joining the group to leaving it."""

    def __init__(
        self,
        app: faust.App,
        worker: Worker,
        *,
        ends: LogEnds,
        probe: Probe,
        clock: Clock,
        leave: Leave,
    ) -> None:
        self._app = app
        self._worker = worker
        self._ends = ends
        self._probe = probe
        self._clock = clock
        self._leave = leave
        self._member = False
        topic = app.topic(
            wire.LIFE_EVENTS, key_type=bytes, key_serializer="raw", value_serializer=_AsItIs(),
            acks=False,
        )  # fmt: skip
        app.agent(topic, name="decide", concurrency=1)(self._decide)
        app.on_partitions_assigned.connect(self._joined)
        app.on_partitions_revoked.connect(self._left)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until stopped; returns when everything taken is finished and committed.

        A crash of Faust, or a verdict of the watchdog, ends the process through `leave`.
        """
        self._app.finalize()
        await self._app.start()
        watching = asyncio.create_task(self._watch())
        crashed = asyncio.create_task(self._app.wait_until_stopped())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({watching, crashed, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            self._leave("stream_crashed")
            return
        watching.cancel()
        await self._stop()

    async def _decide(self, stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                await self._worker.take(event.value)
        except Exception:
            log(__name__).exception("decision failed")
            self._leave("decision_failed")
            raise

    async def _joined(self, *_: Any, **__: Any) -> None:
        self._member = True
        self._probe.ready("partitions")

    async def _left(self, *_: Any, **__: Any) -> None:
        self._member = False
        self._probe.not_ready("partitions")
        await self._settle()

    async def _settle(self) -> None:
        """Finish and commit what is in flight, so that the next owner does not read it again."""
        consumer = consumer_of(self._app)
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await self._worker.settle()
                await consumer.commit()
        except TimeoutError:
            log(__name__).warning("not settled in time")

    async def _stop(self) -> None:
        self._probe.not_ready("partitions")
        consumer_of(self._app).stop_flow()
        await self._settle()
        try:
            async with asyncio.timeout(STOP_SECONDS - SETTLE_SECONDS):
                await self._app.stop()
        except TimeoutError:
            log(__name__).info("stream library did not stop in time")

    async def _watch(self) -> None:
        dog = Watchdog(self._clock.monotonic())
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            lag = await self._lag()
            finished = self._worker.records_finished
            now = self._clock.monotonic()
            verdict = dog.look(now, member=self._member, lag=lag, finished=finished)
            if verdict is not None:
                log(__name__).error("watchdog", extra={"code": str(verdict)})
                self._leave(str(verdict))
                return

    async def _lag(self) -> int | None:
        """Records of our partitions that are not finished; None when the broker does not say."""
        positions = {tp.partition: at for tp, at in self._positions().items()}
        bounds = await self._ends.bounds(positions)
        if bounds is None:
            return None
        lag = sum(end - max(first, positions[each]) for each, (first, end) in bounds.items())
        metrics.lag(lag)
        return lag

    def _positions(self) -> Mapping[Any, int]:
        return consumer_of(self._app).positions() if self._member else {}


def leave_process(reason: str, exit_process: Callable[[int], Any]) -> None:
    """End at once, without acknowledging: what was not finished is read again by the next."""
    log(__name__).error("leaving without acknowledging", extra={"code": reason})
    exit_process(EXIT_FAILED)
