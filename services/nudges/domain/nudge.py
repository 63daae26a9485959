"""A nudge: when it is offered, to whom, how long; and the catalogue of all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from services.nudges.domain.eligibility import Comparison
from services.nudges.domain.life_event import LifeEvent, Reason
from services.nudges.domain.permission import LawfulBasis


class Effect(StrEnum):
    """What a later statement about an entry does to the prompts that came of it."""

    KEEP = "keep"
    RECONSIDER = "reconsider"
    WITHDRAW = "withdraw"
    REISSUE = "reissue"


Corrections = Mapping[Reason, Effect]


@dataclass(frozen=True, slots=True)
class Nudge:
    """One entry of the catalogue, without its texts.

    `effective_from` and `effective_until` (exclusive) are UTC days on which the event was recorded.
    `after_days`, `fresh_days` and `deadline_days` count from the occurrence.
    """

    id: str
    major: int
    minor: int
    controller: str
    purpose: str
    lawful_basis: LawfulBasis
    event_type: str
    roles: frozenset[str]
    nations: frozenset[str]
    effective_from: date
    effective_until: date | None
    fresh_days: int
    channels: frozenset[str]
    after_days: int = 0
    deadline_days: int | None = None
    condition: tuple[Comparison, ...] = ()
    unless: frozenset[str] = frozenset()

    @property
    def version(self) -> str:
        """major.minor, as the catalogue writes it."""
        return f"{self.major}.{self.minor}"

    def addresses(self, event: LifeEvent) -> bool:
        """Whether it is meant for people in the event's role and nation."""
        return event.role in self.roles and event.nation in self.nations

    def effective(self, recorded_at: datetime) -> bool:
        """Whether it answers events recorded then; never what happened before it existed."""
        day = recorded_at.date()
        if day < self.effective_from:
            return False
        return self.effective_until is None or day < self.effective_until


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every nudge, found by the event type it answers or is called off by.

    `types` are the event types this service knows of, with and without nudges, each with what its
    corrections do.
    """

    revision: str
    types: Mapping[str, Corrections]
    by_type: Mapping[str, tuple[Nudge, ...]] = field(default_factory=dict)
    called_off_by: Mapping[str, tuple[Nudge, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, nudges: Iterable[Nudge], types: Mapping[str, Corrections], revision: str
    ) -> "Catalogue":
        """The catalogue, its nudges in the order of their ids."""
        by_type: dict[str, list[Nudge]] = {}
        called_off: dict[str, list[Nudge]] = {}
        for nudge in sorted(nudges, key=lambda each: each.id):
            by_type.setdefault(nudge.event_type, []).append(nudge)
            for fulfilling in sorted(nudge.unless):
                called_off.setdefault(fulfilling, []).append(nudge)
        return cls(
            revision,
            types,
            {name: tuple(found) for name, found in by_type.items()},
            {name: tuple(found) for name, found in called_off.items()},
        )

    def effect(self, event: LifeEvent) -> Effect | None:
        """What an event does to earlier prompts of its entry; None when none can have come of it.

        Statements come in any order: a correction may be the first that is told of an entry, and
        what was registered first may be the last that comes and the one that counts.
        """
        if event.reason.states_a_fact and event.prompt_root == event.event_id:
            return None
        return self.types.get(event.type, {}).get(event.reason, Effect.RECONSIDER)
