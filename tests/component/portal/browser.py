"""A browser without a screen: it follows, fills in forms and reads pages."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx


@dataclass
class Form:
    """A form of a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """What a page says, and what it is made of."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(convert_charrefs=True)
        self.status = answer.status_code
        self.headers = answer.headers
        self.source = answer.text
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[Form] = []
        self.said: list[str] = []
        self.headings: dict[str, list[str]] = {}
        self.title = ""
        self._open: list[str] = []
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self._open.append(tag)
        if tag == "form":
            self.forms.append(Form(found.get("action") or ""))
        if tag == "input" and self.forms:
            self.forms[-1].fields[found.get("name") or ""] = found.get("value") or ""
        if tag in {"input", "meta", "link", "hr", "br", "path"}:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if not text or not self._open:
            return
        last = self._open[-1]
        if last == "title":
            self.title = text
        elif last == "button" and self.forms:
            self.forms[-1].buttons.append(text)
        if last in {"h1", "h2", "h3"}:
            self.headings.setdefault(last, []).append(text)
        if last not in {"title", "script", "style"}:
            self.said.append(text)

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(self.said)

    def having(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such element."""
        return [attributes for name, attributes in self.tags if name == tag]

    def form(self, button: str) -> Form:
        """The form with that button."""
        return next(form for form in self.forms if button in form.buttons)


class Browser:
    """One person's browser."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        # Loopback only: loading certificates would take longer than most tests.
        self.http = httpx.AsyncClient(base_url=origin, timeout=10, trust_env=False, verify=False)

    async def get(self, path: str, **request: Any) -> httpx.Response:
        return await self.http.get(path, **request)

    async def page(self, path: str) -> Page:
        return Page(await self.get(path))

    async def press(self, page: Page, button: str, **more: str) -> httpx.Response:
        """Send the form with that button as a browser does."""
        form = page.form(button)
        headers = {"origin": self.origin, "sec-fetch-site": "same-origin"}
        fields = {**form.fields, **more}
        return await self.http.post(form.action, data=fields, headers=headers)

    async def pressed(self, page: Page, button: str, **more: str) -> Page:
        """Where pressing leads."""
        return Page(await self.follow(await self.press(page, button, **more)))

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """The page that a redirect leads to, on our own site."""
        while answer.is_redirect:
            assert urlsplit(answer.headers["location"]).netloc in {
                "",
                urlsplit(self.origin).netloc,
            }
            answer = await self.http.get(answer.headers["location"])
        return answer

    async def to_provider(self, next_path: str | None = None) -> str:
        """Press sign in; the provider's address."""
        query = {} if next_path is None else {"next": next_path}
        answer = await self.http.get("/sign-in", params=query)
        assert answer.status_code == 303
        return str(answer.headers["location"])

    async def at_provider(self, address: str, sub: str = "mair", **form: str) -> str:
        """Pick who to be there; the address back to us."""
        answer = await self.http.post(address, data={"sub": sub, **form})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    async def sign_in(self, sub: str = "mair", next_path: str | None = None) -> httpx.Response:
        """The whole way; our answer to coming back."""
        back = await self.at_provider(await self.to_provider(next_path), sub)
        return await self.http.get(back)
