"""The same person in the portal: signs in as a browser does, finds the prompt, reads its why."""

from __future__ import annotations

import html
from typing import Final
from urllib.parse import urljoin

import httpx

from demo.evidence import explain
from demo.stage import Stage
from demo.waiting import expect
from joinedup.notifications.v1.prompts_pb2 import OpenResponse

_MOST_REDIRECTS: Final = 8


async def visit(stage: Stage) -> str:
    """Sign in, see the inbox, open the birth's prompt in English and in Welsh."""
    mother = stage.players.mother
    listening = stage.fleet[mother.sub]
    story = await explain(stage.operator, stage.told())
    prompts = [nudge.prompt_id for each in story.answer.decisions for nudge in each.nudges]
    opened = next(each for each in prompts if each in listening.transcript.opened)
    english = await listening.device.open(opened, language="en")
    welsh = await listening.device.open(opened, language="cy")
    async with httpx.AsyncClient(timeout=10, trust_env=False) as browser:
        inbox = await sign_in(
            browser, stage.endpoints["portal"], stage.endpoints["sign_in"], mother.sub
        )
        expect(f"/prompts/{opened}" in inbox, "the inbox does not show the prompt")
        address = f"{stage.endpoints['portal']}/prompts/{opened}"
        await _reads(browser, address, "en", english)
        await _reads(browser, address, "cy", welsh)
    return f"signed in, found it in the inbox, read “{english.title}” and “{welsh.title}”, each why"


async def sign_in(browser: httpx.AsyncClient, portal: str, provider: str, sub: str) -> str:
    """Sign in as a browser does; answers the inbox as text."""
    page = await _follow(browser, await browser.get(f"{portal}/sign-in?next=/"))
    expect(str(page.url).startswith(provider), "the portal did not lead to the sign-in provider")
    signed_in = await _follow(browser, await browser.post(page.url, data={"sub": sub}))
    expect(
        signed_in.is_success and str(signed_in.url).startswith(portal),
        f"signing in ended at status {signed_in.status_code}",
    )
    return html.unescape(signed_in.text)


async def _follow(browser: httpx.AsyncClient, answer: httpx.Response) -> httpx.Response:
    for _ in range(_MOST_REDIRECTS):
        if not answer.is_redirect:
            return answer
        answer = await browser.get(urljoin(str(answer.url), answer.headers["location"]))
    return answer


async def _reads(
    browser: httpx.AsyncClient, address: str, language: str, prompt: OpenResponse
) -> None:
    page = await browser.get(address, params={"lang": language})
    expect(page.is_success, f"the prompt's page answered {page.status_code}")
    text = html.unescape(page.text)
    expect(f'lang="{language}"' in text, f"the page is not in {language}")
    for part in (prompt.title, prompt.why.rule):
        expect(part and part in text, f"the page in {language} lacks: {part}")
