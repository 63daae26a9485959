"""Publishers' own topics: each record through the one door, or back to its publisher."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from opentelemetry.trace import Span

from services.events import metrics, wire
from services.events.domain import binding
from services.events.domain.admission import Assertion, Receipt, Submission
from services.events.domain.errors import Refused
from services.events.entrypoints import cloudevents_kafka
from services.events.entrypoints.problems import audit, problem_of
from services.events.entrypoints.publishing import Publishing
from services.events.handlers.admit_life_events import Answer
from services.kit.dead_letter import DeadLetters, dead_letter_topic
from services.kit.log_consumer import Record
from services.kit.problem import ProblemError
from services.kit.retry import back_off
from services.kit.telemetry import consumer_span, current_traceparent, log, within
from services.kit.topics import Topic, pattern_of

GROUP: Final = "events.inbound"
TOPICS: Final = pattern_of(wire.INBOUND_EVENTS)

_AUTHORIZATION: Final = "authorization"


@dataclass
class _Arrival:
    """A record on its way in: what it asks the door for, until it has an answer, or the refusal.

    `believed` is whose signature came with it; empty while nobody's was believed.
    """

    record: Record
    span: Span
    traceparent: str
    believed: str = ""
    asks: Submission | None = None
    refusal: ProblemError | None = None

    def take(self, answer: Answer) -> bool:
        """Note an answer; False when it is none yet, and the door is to be asked again."""
        if isinstance(answer, Receipt):
            self.span.set_attribute("joinedup.event_id", answer.event_id)
            self.span.set_attribute("joinedup.duplicate", answer.duplicate)
        elif isinstance(answer, Refused):
            self.refusal = problem_of(answer)
        return isinstance(answer, Receipt | Refused)


@dataclass(frozen=True)
class Inbound:
    """Handles batches of one publisher's topic; raising means that a batch is handed over again.

    `topic` is the template of those topics, and `dead_letters` sets aside on the topic it is given.
    A token is judged by the moment at which the broker took its record, so that what has waited for
    hours is as good as it was; `shift` is how far this process's clock is ahead of the broker's.
    """

    publishing: Publishing
    believe_at: Callable[[str | None, datetime], Assertion]
    topic: Topic
    dead_letters: Callable[[str], DeadLetters]
    now: Callable[[], datetime]
    shift: timedelta = timedelta()

    async def handle(self, batch: Sequence[Record]) -> None:
        """Admit what can be, give the rest back, and return when nothing of it can be lost.

        What cannot be answered now keeps its publisher waiting, and nobody else.
        """
        publisher = _publisher_of(batch[0])
        with ExitStack() as spans:
            arrivals = [self._read(publisher, record, spans) for record in batch]
            metrics.inbound_age(publisher, self._age(batch[0]))
            await self.publishing.rates.take_in_time(publisher, len(arrivals))
            await self._admit(publisher, arrivals)
            for each in arrivals:
                if each.refusal is not None:
                    await self._give_back(publisher, each, each.refusal)
        metrics.inbound_age(publisher, 0.0)

    def _read(self, publisher: str, record: Record, spans: ExitStack) -> _Arrival:
        """What a record asks for, or why it is refused; its span stays open in `spans`."""
        attributes = {
            "messaging.system": "kafka",
            "messaging.destination.name": wire.INBOUND_EVENTS,
            "messaging.operation.type": "process",
            "joinedup.publisher": publisher,
        }
        span = spans.enter_context(consumer_span("inbound process", record.headers, attributes))
        arrival = _Arrival(record, span, current_traceparent())
        try:
            arrival.asks = self._submission(publisher, arrival)
        except Refused as refused:
            arrival.take(refused)
        except ProblemError as problem:
            arrival.refusal = problem
        return arrival

    def _submission(self, publisher: str, arrival: _Arrival) -> Submission:
        record = arrival.record
        headers = cloudevents_kafka.headers_of(record)
        mode = cloudevents_kafka.mode_of(headers)
        assertion = self.believe_at(headers.get(_AUTHORIZATION), self._moment(record))
        arrival.believed = assertion.publisher
        binding.check_place(assertion, publisher)
        told = cloudevents_kafka.event_of(record, headers, mode)
        binding.check_event(assertion, told)
        scope, bases = assertion.scope, assertion.bases
        return Submission(publisher, told, arrival.traceparent, scope=scope, bases=bases)

    async def _admit(self, publisher: str, arrivals: Sequence[_Arrival]) -> None:
        """Ask the door until it has answered for good; only what is open is asked again."""
        waiting = [(each, each.asks) for each in arrivals if each.asks is not None]
        for attempt, delay in enumerate(back_off(), start=1):
            answers = await self.publishing.admit_all([asks for _, asks in waiting])
            waiting = [
                each
                for each, answer in zip(waiting, answers, strict=True)
                if not each[0].take(answer)
            ]
            if not waiting:
                return
            metrics.inbound_age(publisher, self._age(waiting[0][0].record))
            extra = {"publisher": publisher, "count": len(waiting), "attempt": attempt}
            log(__name__).warning("inbound events wait", extra={**extra, "retry_in_seconds": delay})
            await asyncio.sleep(delay)

    async def _give_back(self, publisher: str, arrival: _Arrival, problem: ProblemError) -> None:
        """Write a refused record to the topic that its publisher reads, with the answer to it."""
        arrival.span.set_attribute("joinedup.reason", problem.code)
        topic = dead_letter_topic(self.topic.of(publisher=publisher))
        # The token may still be good somewhere else: it is not written down a second time.
        headers = [each for each in arrival.record.headers if each[0].lower() != _AUTHORIZATION]
        with within(arrival.traceparent):
            document = json.dumps(problem.document(), ensure_ascii=False).encode()
            await self.dead_letters(topic).set_aside(
                replace(arrival.record, headers=headers), problem.code, [("dl_problem", document)]
            )
            audit(problem.code, publisher=arrival.believed, route=arrival.record.topic)

    def _moment(self, record: Record) -> datetime:
        """When the broker took a record; now where somebody else's clock says it."""
        if not record.broker_time:
            return self.now()
        return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC) + self.shift

    def _age(self, record: Record) -> float:
        return (self.now() - self._moment(record)).total_seconds()


def _publisher_of(record: Record) -> str:
    named = TOPICS.match(record.topic)
    if named is None:
        raise LookupError("a record of a topic that is nobody's")
    return named["publisher"]
