"""Protobuf to the portal's own types, and back."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from joinedup.identity.v1 import permission_set_pb2, permissions_pb2, sign_in_pb2
from joinedup.notifications.v1 import prompts_pb2
from services.portal.domain.choices import Choice, Choices, Offer, Permission
from services.portal.domain.prompts import (
    Fact,
    InboxEntry,
    InboxPage,
    Opinion,
    Prompt,
    Standing,
    Why,
)
from services.portal.domain.sign_in import PersonToken

_GONE = frozenset(
    {
        prompts_pb2.STATE_SUPPRESSED,
        prompts_pb2.STATE_EXPIRED,
        prompts_pb2.STATE_DEAD,
    }
)
_CHOICES = {
    permission_set_pb2.CHOICE_GIVEN: Choice.GIVEN,
    permission_set_pb2.CHOICE_WITHDRAWN: Choice.WITHDRAWN,
    permission_set_pb2.CHOICE_OBJECTED: Choice.OBJECTED,
}
_OPINIONS = {
    prompts_pb2.RESPONSE_HELPFUL: Opinion.HELPFUL,
    prompts_pb2.RESPONSE_NOT_HELPFUL: Opinion.NOT_HELPFUL,
}
_RESPONSES = {opinion: response for response, opinion in _OPINIONS.items()}


def person_token(answer: sign_in_pb2.ExchangeResponse) -> PersonToken:
    """The person's token."""
    return PersonToken(answer.person_token, _instant(answer.expires_at), answer.language)


def choices(answer: permissions_pb2.ListResponse) -> Choices:
    """What a person said, and may say."""
    effects = {(each.purpose, each.controller): each for each in answer.effects}
    return Choices(
        serial=answer.permissions.serial,
        permissions=tuple(
            _permission(row, effects.get((row.purpose, row.controller)))
            for row in answer.permissions.permissions
        ),
        offers=tuple(_offer(row) for row in answer.offers),
    )


def took_effect_at(
    answer: permissions_pb2.WithdrawResponse
    | permissions_pb2.ObjectResponse
    | permissions_pb2.Effect,
) -> datetime | None:
    """When an end held everywhere; None while some place has not confirmed."""
    return _instant(answer.took_effect_at) if answer.HasField("took_effect_at") else None


def inbox_page(answer: prompts_pb2.ListResponse) -> InboxPage:
    """A page of the inbox."""
    entries = tuple(
        InboxEntry(row.prompt_id, _instant(row.at), _standing(row.state)) for row in answer.entries
    )
    return InboxPage(entries, answer.next_page_token)


def prompt(answer: prompts_pb2.OpenResponse) -> Prompt:
    """An opened prompt."""
    return Prompt(
        prompt_id=answer.prompt_id,
        language=answer.language,
        title=answer.title,
        body=answer.body,
        link=answer.link,
        purpose=answer.purpose,
        controller=answer.controller,
        deadline=answer.deadline,
        value=answer.value,
        opinion=_OPINIONS.get(answer.response),
        why=_why(answer.why),
        parts=tuple(prompt(part) for part in answer.parts),
    )


def response(opinion: Opinion) -> prompts_pb2.Response.ValueType:
    """What a person made of a prompt."""
    return _RESPONSES[opinion]


def _why(why: prompts_pb2.Why) -> Why:
    return Why(
        rule=why.rule,
        facts=tuple(Fact(row.label, row.value, row.source, row.date) for row in why.facts),
        reference=why.reference,
        lawful_basis=why.lawful_basis,
        controller_name=why.controller_name,
        how_to_object=why.how_to_object,
        contact=why.contact,
        nudge=why.nudge,
    )


def _permission(
    row: permission_set_pb2.Permission, effect: permissions_pb2.Effect | None
) -> Permission:
    return Permission(
        purpose=row.purpose,
        controller=row.controller,
        choice=_CHOICES.get(row.choice, Choice.UNSAID),
        expires_at=_instant(row.expires_at) if row.HasField("expires_at") else None,
        ended=effect is not None,
        took_effect_at=took_effect_at(effect) if effect is not None else None,
    )


def _offer(row: permissions_pb2.Offer) -> Offer:
    return Offer(
        purpose=row.purpose,
        purpose_name=row.purpose_name or row.purpose,
        controller=row.controller,
        controller_name=row.controller_name or row.controller,
        text=row.text,
        agreement_hash=row.agreement_hash,
    )


def _standing(state: prompts_pb2.State.ValueType) -> Standing:
    if state == prompts_pb2.STATE_OPENED:
        return Standing.OPENED
    return Standing.GONE if state in _GONE else Standing.NEW


def _instant(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
