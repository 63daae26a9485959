"""decisions.v1 and the explanations made of it."""

from typing import Final

from joinedup.notifications.v1 import decisions_pb2, prompts_pb2
from joinedup.nudges.v1 import decision_pb2
from services.kit.ids import is_id
from services.notifications.domain.decision import Decision, NudgeDecision, Outcome, UsedFact
from services.notifications.domain.errors import DecisionInvalid
from services.notifications.domain.explanation import Delivery, Explanation
from services.notifications.domain.ledger import State
from services.notifications.wire.texts import storable
from services.notifications.wire.times import moment, moment_or_none, timestamp

_OUTCOMES: Final = {
    decision_pb2.OUTCOME_ISSUED: Outcome.ISSUED,
    decision_pb2.OUTCOME_SCHEDULED: Outcome.SCHEDULED,
    decision_pb2.OUTCOME_CANCELLED: Outcome.CANCELLED,
    decision_pb2.OUTCOME_HELD_OUT: Outcome.HELD_OUT,
    decision_pb2.OUTCOME_SUPPRESSED: Outcome.SUPPRESSED,
}
STATES: Final = {
    State.NEW: prompts_pb2.STATE_NEW,
    State.CLAIMED: prompts_pb2.STATE_CLAIMED,
    State.SENT: prompts_pb2.STATE_SENT,
    State.DELIVERED: prompts_pb2.STATE_DELIVERED,
    State.OPENED: prompts_pb2.STATE_OPENED,
    State.SUPPRESSED: prompts_pb2.STATE_SUPPRESSED,
    State.EXPIRED: prompts_pb2.STATE_EXPIRED,
    State.FAILED: prompts_pb2.STATE_FAILED,
    State.DEAD: prompts_pb2.STATE_DEAD,
}


def decision_of(message: decision_pb2.Decision, key: bytes | None) -> Decision:
    """The decision in a record; raises DecisionInvalid with the reason for its dead letter.

    An outcome that is not known here comes from a newer producer; the letter can be replayed
    after the upgrade.
    """
    if key != message.subject.encode():
        raise DecisionInvalid("key_mismatch")
    root_event_id = message.root_event_id or message.event_id
    ids = (message.event_id, message.subject, root_event_id, message.case_id or message.event_id)
    if not all(map(is_id, ids)):
        raise DecisionInvalid("decode")
    if not (message.HasField("recorded_at") and message.HasField("decided_at")):
        raise DecisionInvalid("decode")
    return Decision(
        event_id=message.event_id,
        root_event_id=root_event_id,
        subject=message.subject,
        event_type=message.event_type,
        role=message.role,
        recorded_at=moment(message.recorded_at),
        decided_at=moment(message.decided_at),
        permission_serial=message.permission_serial,
        catalogue_revision=message.catalogue_revision,
        occurred=message.occurred,
        publisher=message.publisher,
        nudges=tuple(_nudge(each) for each in message.nudges),
        withdraws_entry=message.withdraws_entry,
        case_id=message.case_id,
    )


def decision_from_record(record: bytes) -> Decision:
    """The decision in a record that was admitted before."""
    message = decision_pb2.Decision.FromString(record)
    return decision_of(message, message.subject.encode())


def explain_response(explanation: Explanation) -> decisions_pb2.ExplainResponse:
    """An explanation for its asker; no handle is in it."""
    return decisions_pb2.ExplainResponse(
        event_id=explanation.event_id,
        event_type=explanation.event_type,
        recorded_at=timestamp(explanation.recorded_at),
        trace_id=explanation.trace_id,
        decisions=[
            decisions_pb2.ExplainedDecision(
                number=each.number,
                role=each.decision.role,
                decided_at=timestamp(each.decision.decided_at),
                catalogue_revision=each.decision.catalogue_revision,
                nudges=[_explained(nudge, deliveries) for nudge, deliveries in each.nudges],
            )
            for each in explanation.decisions
        ],
        statements=explanation.statements,
    )


def _nudge(message: decision_pb2.NudgeDecision) -> NudgeDecision:
    outcome = _OUTCOMES.get(message.outcome)
    if outcome is None:
        unwritten = message.outcome == decision_pb2.OUTCOME_UNSPECIFIED
        raise DecisionInvalid("decode" if unwritten else "schema_future")
    named = outcome.means_a_prompt or message.prompt_id
    if named and not is_id(message.prompt_id):
        raise DecisionInvalid("decode")
    storable(message.nudge, message.version, message.purpose, message.controller)
    return NudgeDecision(
        nudge=message.nudge,
        version=message.version,
        outcome=outcome,
        reasons=tuple(message.reasons),
        prompt_id=message.prompt_id,
        purpose=message.purpose,
        controller=message.controller,
        epoch=message.epoch,
        due_at=moment_or_none(message, "due_at"),
        expires_at=moment_or_none(message, "expires_at"),
        channels=tuple(message.channels),
        parameters=dict(message.parameters),
        facts=tuple(UsedFact(fact.name, fact.value) for fact in message.facts),
    )


def _explained(
    nudge: NudgeDecision, deliveries: tuple[Delivery, ...]
) -> decisions_pb2.ExplainedNudge:
    return decisions_pb2.ExplainedNudge(
        nudge=nudge.nudge,
        version=nudge.version,
        outcome=nudge.outcome.value,
        reasons=nudge.reasons,
        prompt_id=nudge.prompt_id,
        epoch=nudge.epoch,
        deliveries=[
            decisions_pb2.ExplainedDelivery(
                channel=each.channel.value,
                state=STATES[each.state],
                reason=each.reason,
                at=timestamp(each.at),
            )
            for each in deliveries
        ],
    )
