"""Permitting, taking back, and seeing how it stands."""

from dataclasses import dataclass
from datetime import datetime

from services.portal.domain.choices import (
    Choices,
    Offer,
    Purpose,
    after_refusal,
    brought_up_to_date,
    laid_out,
    offer_named,
)
from services.portal.domain.session import Happened, Notice, Session
from services.portal.ports import People, Sessions


@dataclass(frozen=True)
class ChoicesShown:
    """The choices as a page shows them, with the outcome of the last one."""

    serial: int
    purposes: tuple[Purpose, ...]
    notice: Notice | None
    noticed: Offer | None


async def show_choices(
    people: People, session: Session, *, language: str, now: datetime
) -> ChoicesShown:
    """Every choice, and how it stands now."""
    choices = await people.choices(session.person_token, language)
    notice = brought_up_to_date(session.notice, choices)
    return ChoicesShown(
        serial=choices.serial,
        purposes=laid_out(choices, now),
        notice=notice,
        noticed=_named(choices, notice),
    )


async def give_permission(
    people: People,
    sessions: Sessions,
    session_id: str,
    session: Session,
    *,
    offer: Offer,
    serial: int,
    now: datetime,
) -> Notice:
    """Permit exactly what was read; raises ChoiceRefused."""
    await people.give(session.person_token, offer, serial)
    notice = Notice(Happened.GIVEN, offer.purpose, offer.controller)
    await _remember(sessions, session_id, session.noting(notice), now)
    return notice


async def withdraw_permission(
    people: People,
    sessions: Sessions,
    session_id: str,
    session: Session,
    *,
    purpose: str,
    controller: str,
    now: datetime,
) -> Notice:
    """Take back, and tell no more than is so; raises ChoiceRefused."""
    since = await people.withdraw(session.person_token, purpose, controller)
    notice = after_refusal(Happened.WITHDRAWN, purpose, controller, since)
    await _remember(sessions, session_id, session.noting(notice), now)
    return notice


async def object_to_purpose(
    people: People,
    sessions: Sessions,
    session_id: str,
    session: Session,
    *,
    purpose: str,
    controller: str,
    now: datetime,
) -> Notice:
    """Object, and tell no more than is so; raises ChoiceRefused."""
    since = await people.object_to(session.person_token, purpose, controller)
    notice = after_refusal(Happened.OBJECTED, purpose, controller, since)
    await _remember(sessions, session_id, session.noting(notice), now)
    return notice


async def notice_was_shown(
    sessions: Sessions, session_id: str, session: Session, now: datetime
) -> None:
    """Show it once; one that is still taking effect stays until it is settled."""
    if session.notice is not None and session.notice.settled:
        await _remember(sessions, session_id, session.noting(None), now)


async def _remember(sessions: Sessions, session_id: str, session: Session, now: datetime) -> None:
    await sessions.change(session_id, session, session.lives_for(now))


def _named(choices: Choices, notice: Notice | None) -> Offer | None:
    if notice is None:
        return None
    return offer_named(choices, notice.purpose, notice.controller)
