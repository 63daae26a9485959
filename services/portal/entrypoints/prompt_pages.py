"""The inbox, and one prompt with its why."""

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from services.kit.ids import is_id
from services.portal.domain.errors import PromptUnavailable
from services.portal.domain.navigation import host_of_web_address
from services.portal.domain.prompts import Opinion
from services.portal.entrypoints.visit import (
    DeskHere,
    FormHere,
    PersonHere,
    VisitHere,
    field,
    form_token_of,
    person_of,
)
from services.portal.handlers.prompts import list_prompts, open_prompt, rate_prompt

SEE_OTHER: Final = 303

router = APIRouter()


@router.get("/")
async def inbox(
    request: Request, desk: DeskHere, visit: VisitHere, page: Annotated[str, Query()] = ""
) -> Response:
    """The inbox; for somebody who is not signed in, what this is."""
    if visit.session is None:
        return desk.pages.page(
            request,
            "landing.html",
            language=visit.language,
            title=desk.pages.text(visit.language, "landing.title"),
        )
    person = await person_of(visit)
    shown = await list_prompts(desk.prompts, person.token, page)
    return desk.pages.page(
        request,
        "inbox.html",
        language=person.language,
        title=desk.pages.text(person.language, "inbox.title"),
        here="inbox" if not page else "",
        signed_in=True,
        form_token=form_token_of(desk, person.session_id),
        inbox=shown,
        first=not page,
        older_address=f"/?{urlencode({'page': shown.next_token})}",
    )


@router.get("/prompts/{prompt_id}")
async def prompt(request: Request, desk: DeskHere, person: PersonHere, prompt_id: str) -> Response:
    """One prompt, opened through the gate at this moment."""
    if not is_id(prompt_id):
        raise PromptUnavailable
    opened = await open_prompt(desk.prompts, person.token, prompt_id, person.language)
    return desk.pages.page(
        request,
        "prompt.html",
        language=person.language,
        title=opened.title,
        signed_in=True,
        form_token=form_token_of(desk, person.session_id),
        prompt=opened,
        department=opened.why.controller_name or opened.controller,
        host=host_of_web_address(opened.link),
        reference_host=host_of_web_address(opened.why.reference),
        parts=[
            (part, host_of_web_address(part.link), part.why.controller_name or part.controller)
            for part in opened.parts
        ],
    )


@router.post("/prompts/{prompt_id}/opinion")
async def rate(desk: DeskHere, form: FormHere, person: PersonHere, prompt_id: str) -> Response:
    """Note whether a prompt helped."""
    said = field(form, "opinion")
    if not is_id(prompt_id) or said not in set(Opinion):
        raise PromptUnavailable
    await rate_prompt(desk.prompts, person.token, prompt_id, Opinion(said))
    return RedirectResponse(f"/prompts/{prompt_id}#helpful", SEE_OTHER)
