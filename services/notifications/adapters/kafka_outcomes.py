"""Outcomes on the log."""

from typing import Final

from joinedup.notifications.v1 import outcome_pb2
from services.kit.codec import encode
from services.kit.log_producer import LogProducer
from services.kit.telemetry import TRACEPARENT
from services.notifications.domain.prompt import PromptOutcome
from services.notifications.wire.outcomes import outcome_message

EVENT_TYPE: Final = outcome_pb2.PromptOutcome.DESCRIPTOR.full_name
SOURCE: Final = "urn:joinedup:notifications"


class KafkaOutcomes:
    """The port OutcomeLog."""

    def __init__(self, producer: LogProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def tell(self, outcome: PromptOutcome) -> None:
        """Append one, as part of the trace of what led to it; raises LogUnavailable."""
        encoded = encode(
            outcome_message(outcome),
            id=outcome.outcome_id,
            type=EVENT_TYPE,
            source=SOURCE,
            time=outcome.at,
        )
        traced = [(TRACEPARENT, outcome.traceparent.encode())] if outcome.traceparent else []
        await self._producer.send(
            self._topic, outcome.subject.encode(), encoded.value, [*encoded.headers, *traced]
        )
