"""What a person may permit, and how each of those choices stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.portal.domain.session import Happened, Notice


class Stands(StrEnum):
    """How a choice stands."""

    NEVER_GIVEN = "never_given"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    TAKING_EFFECT = "taking_effect"


@dataclass(frozen=True)
class Permission:
    """What the person said about one purpose of one department."""

    purpose: str
    controller: str
    given: bool
    expires_at: datetime | None = None


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
class Withdrawal:
    """A permission taken back; `took_effect_at` is None while some place has not confirmed."""

    took_effect_at: datetime | None


@dataclass(frozen=True)
class Row:
    """One choice as it is shown."""

    offer: Offer
    stands: Stands
    until: datetime | None = None

    @property
    def may_stop(self) -> bool:
        """Whether there is something to take back, or a taking back to be confirmed."""
        return self.stands in {Stands.GIVEN, Stands.TAKING_EFFECT}

    @property
    def may_allow(self) -> bool:
        """Whether the person can say yes: only to words they can read."""
        return not self.may_stop and bool(self.offer.agreement_hash)


@dataclass(frozen=True)
class Purpose:
    """The choices of one purpose."""

    id: str
    name: str
    rows: tuple[Row, ...]


def laid_out(choices: Choices, notice: Notice | None, now: datetime) -> tuple[Purpose, ...]:
    """The choices by purpose, in the order they are offered.

    A permission that is no longer offered stays in the list while it is given, so that it can
    be taken back.
    """
    said = {(p.purpose, p.controller): p for p in choices.permissions}
    offers = [*choices.offers, *_no_longer_offered(choices)]
    rows = [
        _row(offer, said.get((offer.purpose, offer.controller)), notice, now) for offer in offers
    ]
    names = {offer.purpose: offer.purpose_name for offer in reversed(offers)}
    order = dict.fromkeys(offer.purpose for offer in offers)
    return tuple(
        Purpose(each, names[each], tuple(row for row in rows if row.offer.purpose == each))
        for each in order
    )


def after_withdrawal(purpose: str, controller: str, withdrawal: Withdrawal) -> Notice:
    """What the person is told: done, with the moment, or not everywhere yet. Never more."""
    at = withdrawal.took_effect_at
    happened = Happened.TAKING_EFFECT if at is None else Happened.WITHDRAWN
    return Notice(happened, purpose, controller, at)


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
        if said.given and (said.purpose, said.controller) not in offered
    ]


def _row(offer: Offer, said: Permission | None, notice: Notice | None, now: datetime) -> Row:
    if said is None:
        return Row(offer, Stands.NEVER_GIVEN)
    if not said.given:
        waiting = notice is not None and not notice.settled
        same = notice is not None and (notice.purpose, notice.controller) == (
            offer.purpose,
            offer.controller,
        )
        return Row(offer, Stands.TAKING_EFFECT if waiting and same else Stands.WITHDRAWN)
    if said.expires_at is not None and said.expires_at <= now:
        return Row(offer, Stands.ENDED, said.expires_at)
    return Row(offer, Stands.GIVEN, said.expires_at)
