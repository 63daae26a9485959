"""outcomes.v1."""

from typing import Final

from joinedup.notifications.v1 import outcome_pb2
from services.notifications.domain.prompt import OutcomeKind, PromptOutcome
from services.notifications.wire.times import timestamp

_KINDS: Final = {
    OutcomeKind.OPENED: outcome_pb2.OUTCOME_KIND_OPENED,
    OutcomeKind.HELPFUL: outcome_pb2.OUTCOME_KIND_HELPFUL,
    OutcomeKind.NOT_HELPFUL: outcome_pb2.OUTCOME_KIND_NOT_HELPFUL,
    OutcomeKind.DONE: outcome_pb2.OUTCOME_KIND_DONE,
}


def outcome_message(outcome: PromptOutcome) -> outcome_pb2.PromptOutcome:
    """An outcome as the log keeps it."""
    return outcome_pb2.PromptOutcome(
        outcome_id=outcome.outcome_id,
        subject=outcome.subject,
        prompt_id=outcome.prompt_id,
        nudge=outcome.nudge,
        version=outcome.version,
        channel=outcome.channel.value,
        kind=_KINDS[outcome.kind],
        at=timestamp(outcome.at),
        event_id=outcome.event_id,
    )
