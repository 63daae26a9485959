"""What one permits: read, given, taken back and objected to, each with one press."""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from services.portal import metrics
from services.portal.domain.choices import Offer
from services.portal.domain.errors import ChoiceRefused
from services.portal.domain.session import Notice
from services.portal.entrypoints.visit import (
    Desk,
    DeskHere,
    FormHere,
    Person,
    PersonHere,
    field,
    form_token_of,
)
from services.portal.handlers.choices import (
    give_permission,
    notice_was_shown,
    object_to_purpose,
    show_choices,
    withdraw_permission,
)

SEE_OTHER: Final = 303
REFUSED: Final = {"stale": 412, "unknown": 422}
_LONGEST_SERIAL: Final = 18

router = APIRouter()


@router.get("/choices")
async def choices(request: Request, desk: DeskHere, person: PersonHere) -> Response:
    """Every choice, and what became of the last one."""
    response = await _page(request, desk, person)
    await notice_was_shown(desk.sessions, person.session_id, person.session, person.now)
    return response


@router.post("/choices/give")
async def give(request: Request, desk: DeskHere, form: FormHere, person: PersonHere) -> Response:
    """Permit what was read."""
    purpose, controller = field(form, "purpose"), field(form, "controller")
    offer = Offer(purpose, "", controller, "", agreement_hash=field(form, "agreement_hash"))
    try:
        notice = await give_permission(
            desk.people,
            desk.sessions,
            person.session_id,
            person.session,
            offer=offer,
            serial=_serial(form),
            now=person.now,
        )
    except ChoiceRefused as refused:
        return await _page(request, desk, person, refused.code)
    metrics.choice_made(notice.happened)
    return RedirectResponse("/choices", SEE_OTHER)


@router.post("/choices/withdraw")
async def withdraw(
    request: Request, desk: DeskHere, form: FormHere, person: PersonHere
) -> Response:
    """Take back."""
    return await _refuse(withdraw_permission, request, desk, form, person)


@router.post("/choices/object")
async def object_to(
    request: Request, desk: DeskHere, form: FormHere, person: PersonHere
) -> Response:
    """Object."""
    return await _refuse(object_to_purpose, request, desk, form, person)


async def _refuse(
    handler: Callable[..., Awaitable[Notice]],
    request: Request,
    desk: DeskHere,
    form: FormHere,
    person: PersonHere,
) -> Response:
    try:
        notice = await handler(
            desk.people,
            desk.sessions,
            person.session_id,
            person.session,
            purpose=field(form, "purpose"),
            controller=field(form, "controller"),
            now=person.now,
        )
    except ChoiceRefused as refused:
        return await _page(request, desk, person, refused.code)
    metrics.choice_made(notice.happened)
    return RedirectResponse("/choices", SEE_OTHER)


async def _page(
    request: Request, desk: Desk, person: Person, refused: str | None = None
) -> Response:
    shown = await show_choices(
        desk.people, person.session, language=person.language, now=person.now
    )
    return desk.pages.page(
        request,
        "choices.html",
        language=person.language,
        title=desk.pages.text(person.language, "choices.title"),
        status=REFUSED[refused] if refused else 200,
        here="choices",
        signed_in=True,
        form_token=form_token_of(desk, person.session_id),
        shown=shown,
        refused=refused,
    )


def _serial(form: FormData) -> int:
    text = field(form, "serial")
    sound = text.isascii() and text.isdigit() and len(text) <= _LONGEST_SERIAL
    if not sound:
        raise ChoiceRefused("stale")
    return int(text)
