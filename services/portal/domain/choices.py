"""What a person may permit, and how each of those choices stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.portal.domain.session import Happened, Notice


class Stands(StrEnum):
    """How a choice stands."""

    NEVER_GIVEN = "never_given"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    ENDED = "ended"
    TAKING_EFFECT = "taking_effect"


class Choice(StrEnum):
    """What the person said."""

    UNSAID = "unsaid"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"


@dataclass(frozen=True)
class Permission:
    """What the person said about one purpose of one department.

    Of one that has ended, `took_effect_at` is when that held everywhere; None while it does not.
    """

    purpose: str
    controller: str
    choice: Choice
    expires_at: datetime | None = None
    ended: bool = False
    took_effect_at: datetime | None = None


@dataclass(frozen=True)
class Offer:
    """What one may permit, in plain words; `agreement_hash` names exactly these words."""

    purpose: str
    purpose_name: str
    controller: str
    controller_name: str
    text: str = ""
    agreement_hash: str = ""


@dataclass(frozen=True)
class Choices:
    """Everything a person said, and may say; `serial` names this state of it."""

    serial: int
    permissions: tuple[Permission, ...]
    offers: tuple[Offer, ...]


@dataclass(frozen=True)
class Row:
    """One choice as it is shown."""

    offer: Offer
    stands: Stands
    until: datetime | None = None
    since: datetime | None = None

    @property
    def may_stop(self) -> bool:
        """Whether there is something to take back, or a taking back to be confirmed."""
        return self.stands in {Stands.GIVEN, Stands.TAKING_EFFECT}

    @property
    def may_allow(self) -> bool:
        """Whether the person can say yes: only to words they can read."""
        return not self.may_stop and bool(self.offer.agreement_hash)

    @property
    def may_object(self) -> bool:
        """Whether an objection would add anything."""
        return self.stands not in {Stands.OBJECTED, Stands.TAKING_EFFECT}


@dataclass(frozen=True)
class Purpose:
    """The choices of one purpose."""

    id: str
    name: str
    rows: tuple[Row, ...]


def laid_out(choices: Choices, now: datetime) -> tuple[Purpose, ...]:
    """The choices by purpose, in the order they are offered.

    A permission that is no longer offered stays in the list while it is given, so that it can
    be taken back.
    """
    said = {(p.purpose, p.controller): p for p in choices.permissions}
    offers = [*choices.offers, *_no_longer_offered(choices)]
    rows = [_row(offer, said.get((offer.purpose, offer.controller)), now) for offer in offers]
    names = {offer.purpose: offer.purpose_name for offer in reversed(offers)}
    order = dict.fromkeys(offer.purpose for offer in offers)
    return tuple(
        Purpose(each, names[each], tuple(row for row in rows if row.offer.purpose == each))
        for each in order
    )


def after_refusal(
    done: Happened, purpose: str, controller: str, took_effect_at: datetime | None
) -> Notice:
    """What the person is told: done, with the moment, or not everywhere yet. Never more."""
    happened = Happened.TAKING_EFFECT if took_effect_at is None else done
    return Notice(happened, purpose, controller, took_effect_at)


def brought_up_to_date(notice: Notice | None, choices: Choices) -> Notice | None:
    """The notice of a no that was taking effect, once it has taken effect."""
    if notice is None or notice.settled:
        return notice
    for said in choices.permissions:
        same = (said.purpose, said.controller) == (notice.purpose, notice.controller)
        if same and said.choice in _HAPPENED and said.took_effect_at is not None:
            happened = _HAPPENED[said.choice]
            return Notice(happened, said.purpose, said.controller, said.took_effect_at)
    return notice


def offer_named(choices: Choices, purpose: str, controller: str) -> Offer:
    """The offer, or one that only repeats the names it is known by."""
    for offer in choices.offers:
        if (offer.purpose, offer.controller) == (purpose, controller):
            return offer
    return Offer(purpose, purpose, controller, controller)


def _no_longer_offered(choices: Choices) -> Sequence[Offer]:
    offered = {(offer.purpose, offer.controller) for offer in choices.offers}
    return [
        offer_named(choices, said.purpose, said.controller)
        for said in choices.permissions
        if said.choice is Choice.GIVEN and (said.purpose, said.controller) not in offered
    ]


_HAPPENED: Final = {
    Choice.WITHDRAWN: Happened.WITHDRAWN,
    Choice.OBJECTED: Happened.OBJECTED,
}
_NO: Final = {Choice.WITHDRAWN: Stands.WITHDRAWN, Choice.OBJECTED: Stands.OBJECTED}


def _row(offer: Offer, said: Permission | None, now: datetime) -> Row:
    if said is None or said.choice is Choice.UNSAID:
        return Row(offer, Stands.NEVER_GIVEN)
    if said.ended and said.took_effect_at is None:
        return Row(offer, Stands.TAKING_EFFECT)
    if said.choice is not Choice.GIVEN:
        return Row(offer, _NO[said.choice], since=said.took_effect_at)
    if said.ended or (said.expires_at is not None and said.expires_at <= now):
        return Row(offer, Stands.ENDED, said.expires_at)
    return Row(offer, Stands.GIVEN, said.expires_at)
