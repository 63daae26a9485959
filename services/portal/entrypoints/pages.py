"""Turning what a handler returned into a page in the person's language."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import (
    ChainableUndefined,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
)

from services.portal.domain.language import (
    day_in_words,
    hour_and_minute,
    other_language,
    to_the_second,
)
from services.portal.domain.navigation import HOME, local_path
from services.portal.entrypoints.assets import Assets
from services.portal.entrypoints.texts import Texts


@dataclass(frozen=True)
class Brand:
    """Whose service it is, as the pages show it."""

    name: str
    logo_text: str
    colour: str


class Pages:
    """Every page's frame, and the templates inside it."""

    def __init__(
        self,
        templates: Path,
        texts: Texts,
        assets: Assets,
        brand: Brand,
        *,
        demonstration: bool,
    ) -> None:
        self._texts = texts
        self._environment = Environment(
            loader=ChoiceLoader(
                [
                    FileSystemLoader(templates),
                    PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
                ]
            ),
            autoescape=True,
            undefined=ChainableUndefined,  # the components ask for options nobody gave
        )
        self._environment.globals.update(
            asset=assets.address,
            brand=brand,
            demonstration=demonstration,
            hour_and_minute=hour_and_minute,
            to_the_second=to_the_second,
        )

    def page(
        self,
        request: Request,
        template: str,
        *,
        language: str,
        title: str,
        status: int = 200,
        signed_in: bool = False,
        **values: Any,
    ) -> HTMLResponse:
        """A page with that title."""
        html = self._environment.get_template(template).render(
            language=language,
            language_address=_in_other_language(request, language),
            t=self._texts.speaking(language),
            day=partial(day_in_words, language=language),
            title=title,
            signed_in=signed_in,
            **values,
        )
        headers = {"content-language": language, "vary": "cookie"}
        return HTMLResponse(html, status_code=status, headers=headers)

    def plain(
        self,
        request: Request,
        *,
        language: str,
        subject: str,
        texts: tuple[str, ...] = (),
        status: int = 200,
        **values: Any,
    ) -> HTMLResponse:
        """A page that only says something: `subject.title` and `subject.text`, or another key."""
        return self.page(
            request,
            "plain.html",
            language=language,
            title=self.text(language, f"{subject}.title"),
            status=status,
            texts=[self.text(language, key) for key in texts or (f"{subject}.text",)],
            **values,
        )

    def text(self, language: str, key: str, **values: str) -> str:
        """One text."""
        return self._texts.speaking(language)(key, **values)


def _in_other_language(request: Request, language: str) -> str:
    """This page's own address in the other language; home for what was pressed, not opened."""
    path = local_path(request.url.path) if request.method == "GET" else HOME
    kept = [(k, v) for k, v in parse_qsl(request.url.query) if k in {"page", "next"}]
    return f"{path}?{urlencode([*kept, ('lang', other_language(language))])}"
