"""Every part of the service, wired."""

import asyncio
import secrets
from collections.abc import Coroutine, Iterable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from joinedup.notifications.v1 import (
    access_lines_pb2_grpc,
    decisions_pb2_grpc,
    fences_pb2_grpc,
    prompts_pb2_grpc,
)
from services.kit import rpc
from services.kit.clock import Clock
from services.kit.dead_letter import DeadLetters, dead_letter_topic
from services.kit.ids import new_random_id
from services.kit.log_consumer import consume
from services.kit.pace import BRISK
from services.kit.probe import Probe
from services.kit.secret_file import read_key
from services.kit.tasks import end_tasks
from services.kit.topics import load_topics
from services.notifications import metrics
from services.notifications.adapters.identity_grpc import (
    IdentityAccessLogs,
    IdentityLeases,
    IdentityPermissions,
)
from services.notifications.adapters.kafka_outcomes import KafkaOutcomes
from services.notifications.adapters.live_streams import LiveStreams, StreamLimits
from services.notifications.adapters.postgres.access_lines import PostgresAccessOutbox
from services.notifications.adapters.postgres.decisions import PostgresDecisions
from services.notifications.adapters.postgres.gate import PostgresGate
from services.notifications.adapters.postgres.ledger import PostgresLedger
from services.notifications.adapters.postgres.nudges import PostgresNudges
from services.notifications.adapters.postgres.outcomes import PostgresOutbox
from services.notifications.adapters.postgres.prompts import PostgresPrompts
from services.notifications.adapters.postgres.sweep import PostgresSweep
from services.notifications.adapters.redis_wake_ups import RedisWakeUps
from services.notifications.bootstrap.outside import Outside, catalogue
from services.notifications.domain import digest
from services.notifications.domain.errors import Closing, StoreUnavailable
from services.notifications.domain.lease import Confirmed, ServingLease
from services.notifications.domain.tokens import PlaceTokens
from services.notifications.entrypoints.dispatcher import Dispatcher, Serving
from services.notifications.entrypoints.grpc_server.access_lines import AccessLinesServicer
from services.notifications.entrypoints.grpc_server.decisions import DecisionsServicer
from services.notifications.entrypoints.grpc_server.fences import FencesOn, FencesServicer
from services.notifications.entrypoints.grpc_server.looks import looks
from services.notifications.entrypoints.grpc_server.prompts import PromptsOn, PromptsServicer
from services.notifications.entrypoints.grpc_server.subscribe import Subscribing
from services.notifications.entrypoints.stream import (
    DecisionConsumer,
    PermissionConsumer,
)
from services.notifications.entrypoints.upkeep import (
    LeaseKeeper,
    Sweeper,
    Teller,
    tell_lines,
    tell_outcomes,
)
from services.notifications.handlers.claim_due import Claiming
from services.notifications.handlers.open_prompt import Opening
from services.notifications.settings import NotificationsSettings

DECISIONS: Final = "decisions.v1"
PERMISSIONS: Final = "permissions.v1"
OUTCOMES: Final = "outcomes.v1"
ACCESS_LINES: Final = "access lines"
PACKAGE: Final = "joinedup.notifications.v1"


class Service:
    """Every part, wired."""

    def __init__(
        self, settings: NotificationsSettings, outside: Outside, clock: Clock, probe: Probe
    ) -> None:
        self.settings = settings
        self.outside = outside
        self.clock = clock
        self.probe = probe
        self.instance = new_random_id()
        self.tokens = PlaceTokens(read_key(settings.cursor_key_file))
        self.catalogue = catalogue(settings.catalogue_dir)
        self.lease = ServingLease(clock.monotonic)
        self.confirmed = Confirmed(self.lease)
        self.permissions = IdentityPermissions(outside.identity)
        self.gate = PostgresGate(outside.store)
        self.prompts = PostgresPrompts(outside.store)
        self.decisions = PostgresDecisions(outside.store)
        self.streams = LiveStreams(
            clock.monotonic,
            limits=StreamLimits(
                settings.stream_queue_frames,
                settings.streams_a_person,
                settings.slow_reader_seconds,
            ),
            hungry=lambda subject: self._wake([subject]),
        )
        self.wake_ups = RedisWakeUps(
            settings.redis_url.get_secret_value(),
            self.instance,
            now=clock.now,
            woken=self._wake,
        )
        self.dispatcher = self._dispatcher()
        self.sweeper = Sweeper(
            PostgresSweep(outside.store), clock.now, self.dispatcher.wake, settings.sweep_seconds
        )
        topics = load_topics(settings.protos_dir / "topics")
        self.access_outbox = PostgresAccessOutbox(outside.store)
        self.outcomes = self._outcomes_teller(topics[OUTCOMES].topic)
        self.access_lines = self._lines_teller()
        self.dead_letters = {
            name: DeadLetters(
                send=outside.producer.send,
                topic=dead_letter_topic(topics[name]),
                service="notifications",
                now=clock.now,
                count=metrics.dead_letter,
            )
            for name in (DECISIONS, PERMISSIONS)
        }

    def _outcomes_teller(self, topic: str) -> Teller:
        outbox = PostgresOutbox(self.outside.store)
        log = KafkaOutcomes(self.outside.producer, topic)
        return Teller(partial(tell_outcomes, outbox, log), OUTCOMES)

    def _lines_teller(self) -> Teller:
        logs = IdentityAccessLogs(self.outside.identity)
        return Teller(partial(tell_lines, self.access_outbox, logs), ACCESS_LINES)

    def _committed(self) -> None:
        """Something was put into one of the outboxes."""
        self.outcomes.committed()
        self.access_lines.committed()

    def _wake(self, subjects: Iterable[str]) -> None:
        self.dispatcher.wake(subjects)

    def _dispatcher(self) -> Dispatcher:
        ledger = PostgresLedger(self.outside.store)
        return Dispatcher(
            Serving(
                claiming=Claiming(ledger, self.gate, self.permissions, self.streams),
                confirmed=self.confirmed,
                lease=self.lease,
                wake_ups=self.wake_ups,
                now=self.clock.now,
                claim_lease=timedelta(seconds=self.settings.claim_lease_seconds),
                poll_seconds=self.settings.poll_seconds,
            )
        )

    def rpc_services(self) -> list[rpc.AddService]:
        """The RPCs, each with its servicer."""
        subscribing = Subscribing(
            streams=self.streams,
            tokens=self.tokens,
            lease=self.lease,
            wake_ups=self.wake_ups,
            wake=self.dispatcher.wake,
            sent=self.dispatcher.written,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            jitter=secrets.SystemRandom().random,
            heartbeat_seconds=self.settings.heartbeat_seconds,
            max_age_seconds=self.settings.stream_max_age_seconds,
        )
        prompts = PromptsOn(
            prompts=self.prompts,
            opening=Opening(
                *(self.prompts, self.gate, self.permissions, self.confirmed, self.lease),
                self.catalogue,
            ),
            subscribing=subscribing,
            streams=self.streams,
            tokens=self.tokens,
            now=self.clock.now,
            looks=looks(self.clock.now),
            committed=self._committed,
        )
        fences = FencesOn(
            *(self.gate, self.streams, self.clock.now, self.clock.monotonic),
            self.settings.fence_settle_seconds,
            self.wake,
        )
        decisions = DecisionsServicer(
            self.decisions, looks(self.clock.now), self.access_lines.committed
        )
        lines = AccessLinesServicer(self.access_outbox)
        add_prompts = prompts_pb2_grpc.add_PromptsServicer_to_server
        add_decisions = decisions_pb2_grpc.add_DecisionsServicer_to_server
        add_fences = fences_pb2_grpc.add_FencesServicer_to_server
        add_lines = access_lines_pb2_grpc.add_AccessLinesServicer_to_server
        return [
            (add_prompts, PromptsServicer(prompts), f"{PACKAGE}.Prompts"),
            (add_decisions, decisions, f"{PACKAGE}.Decisions"),
            (add_fences, FencesServicer(fences), f"{PACKAGE}.Fences"),
            (add_lines, lines, f"{PACKAGE}.AccessLines"),
        ]

    def consumers(self, stop: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
        """The two readers of the log; several processes share their groups."""
        now = self.clock.now

        decisions = DecisionConsumer(self.dead_letters[DECISIONS], now, self.decisions, self.wake)
        permissions = PermissionConsumer(
            self.dead_letters[PERMISSIONS], now, self.gate, self.streams, self.wake
        )
        common: dict[str, Any] = {"bootstrap": self.settings.kafka_bootstrap, "stop": stop}
        return [
            consume(
                topics=[DECISIONS],
                group="notifications.ledger",
                handle=decisions.handle,
                ready=partial(self.probe.ready, "decisions"),
                max_records=500,
                pace=BRISK,
                **common,
            ),
            consume(
                topics=[PERMISSIONS],
                group="notifications.permissions",
                handle=permissions.handle,
                ready=partial(self.probe.ready, "permissions"),
                **common,
            ),
        ]

    def wake(self, subjects: Iterable[str]) -> None:
        """Something waits for these people, at whichever replica their devices are."""
        self.dispatcher.wake(subjects)
        self.wake_ups.call(subjects)

    def lease_keeper(self, address: str) -> LeaseKeeper:
        """The keeper of this process's lease; it is fenced at `address`."""

        def lost() -> None:
            self.probe.not_ready("lease")
            self.streams.close_all(Closing.LEASE_LOST)

        return LeaseKeeper(
            self.lease,
            IdentityLeases(self.outside.identity, address, self.instance),
            monotonic=self.clock.monotonic,
            serving=partial(self.probe.ready, "lease"),
            lost=lost,
        )

    async def keep_nudges(self) -> None:
        """Keep every version in force; its first text stays."""
        await PostgresNudges(self.outside.store).keep([*self.catalogue.nudges, digest.DOCUMENT])

    async def watch_catalogue(self, stop: asyncio.Event) -> None:
        """Keep what a change of the catalogue brings, for as long as it takes."""
        changed = asyncio.Event()

        async def keep() -> None:
            while True:
                await changed.wait()
                changed.clear()
                try:
                    await self.keep_nudges()
                except StoreUnavailable:
                    changed.set()
                    await asyncio.sleep(1.0)

        keeping = asyncio.create_task(keep())
        try:
            await self.catalogue.watch(stop, changed.set)
        finally:
            await end_tasks([keeping])
