"""The two topics this service reads: each record is taken or set aside, never skipped."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from joinedup.identity.v1 import permission_set_pb2
from joinedup.nudges.v1 import decision_pb2
from services.kit.codec import Undecodable, decode
from services.kit.dead_letter import DeadLetters
from services.kit.log_consumer import Record
from services.kit.telemetry import consumer_span, current_traceparent
from services.notifications import metrics
from services.notifications.domain.decision import Arrival
from services.notifications.domain.errors import DecisionInvalid
from services.notifications.domain.permission import PermissionSet
from services.notifications.handlers.admit_decisions import admit_decisions
from services.notifications.handlers.fence_subject import take_permissions
from services.notifications.ports import Decisions, Gate, Streams
from services.notifications.wire.decisions import decision_of
from services.notifications.wire.permissions import permission_set_of

Poison = tuple[Record, str]


@dataclass(frozen=True, slots=True)
class DecisionConsumer:
    """decisions.v1 into the ledger; `wake` is told whose prompts now wait."""

    dead_letters: DeadLetters
    now: Callable[[], datetime]
    decisions: Decisions
    wake: Callable[[Iterable[str]], None]

    async def handle(self, records: Sequence[Record]) -> None:
        """Admit a batch: committed when this returns, so that the offset may follow."""
        arrivals: list[Arrival] = []
        poison: list[Poison] = []
        with ExitStack() as spans:
            for record in records:
                read = _arrival(record, spans)
                if isinstance(read, Arrival):
                    arrivals.append(read)
                else:
                    poison.append((record, read))
            admitted = await admit_decisions(arrivals, self.decisions, now=self.now())
        metrics.DECISIONS.add(admitted.decisions)
        metrics.STOPPED.add(admitted.called_off, {"joinedup.reason": "called_off"})
        metrics.REPEATED_DECISIONS.add(len(arrivals) - admitted.decisions)
        self.wake(admitted.subjects)
        for record, reason in poison:
            await self.dead_letters.set_aside(record, reason)


@dataclass(frozen=True, slots=True)
class PermissionConsumer:
    """permissions.v1 into the gate's rows; `wake` is told whose prompts have ended by it."""

    dead_letters: DeadLetters
    now: Callable[[], datetime]
    gate: Gate
    streams: Streams
    wake: Callable[[Iterable[str]], None]

    async def handle(self, records: Sequence[Record]) -> None:
        """Take a batch of sets; an older one never replaces a newer one."""
        sets: list[PermissionSet] = []
        poison: list[Poison] = []
        for record in records:
            read = _permission_set(record)
            if isinstance(read, PermissionSet):
                sets.append(read)
            else:
                poison.append((record, read))
        taken = await take_permissions(sets, self.gate, self.streams, now=self.now())
        metrics.STOPPED.add(
            sum(each.ended for each in taken), {"joinedup.reason": "permission_ended"}
        )
        self.wake([each.subject for each in taken if each.ended])
        for record, reason in poison:
            await self.dead_letters.set_aside(record, reason)


def _arrival(record: Record, spans: ExitStack) -> Arrival | str:
    """The decision in a record, or why it can never be read.

    Its span stays open in `spans` until the whole batch is committed; the next record's is no
    child of it, because each continues its own journey.
    """
    attributes = {
        "messaging.system": "kafka",
        "messaging.destination.name": record.topic,
        "messaging.operation.type": "process",
    }
    span = spans.enter_context(consumer_span("decisions process", record.headers, attributes))
    message = decode(record.value, record.headers, decision_pb2.Decision)
    if isinstance(message, Undecodable):
        span.set_attribute("joinedup.reason", message.reason.value)
        return message.reason.value
    try:
        decision = decision_of(message, record.key)
    except DecisionInvalid as invalid:
        span.set_attribute("joinedup.reason", invalid.reason)
        return invalid.reason
    span.set_attribute("joinedup.event_id", decision.event_id)
    return Arrival(decision, record.value or b"", current_traceparent())


def _permission_set(record: Record) -> PermissionSet | str:
    message = decode(record.value, record.headers, permission_set_pb2.PermissionSet)
    if isinstance(message, Undecodable):
        return message.reason.value
    if record.key != message.subject.encode():
        return "key_mismatch"
    try:
        return permission_set_of(message)
    except DecisionInvalid as invalid:
        return invalid.reason
