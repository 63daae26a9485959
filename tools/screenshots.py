"""Takes the README's pictures from a running demo: the inbox, a prompt with its why, a trace.

`python -m tools.screenshots [--as PERSON] [--into FOLDER]`, while `make demo` runs. Needs
Debian's chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import httpx
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

ROOT: Final = Path(__file__).resolve().parent.parent
PICTURES: Final = ROOT / "docs" / "images"
# Whose birth the demo tells step by step, so whose inbox has something in it.
PERSON: Final = "sarah-williams"
DESKTOP: Final[ViewportSize] = {"width": 1100, "height": 800}
TRACE: Final[ViewportSize] = {"width": 1400, "height": 900}
LOOK_BACK_MS: Final = 6 * 3600 * 1000
CHROMIUM: Final = (
    "--no-sandbox",  # it runs as root in a container, on pages of our own
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)


def main() -> None:
    """Take the three pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--as", dest="person", default=PERSON, help="who signs in")
    parser.add_argument("--into", type=Path, default=PICTURES, help="folder of the pictures")
    chosen = parser.parse_args()
    endpoints = running_platform()
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is missing; install it with: sudo apt-get install -y chromium")
    chosen.into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        prompt_id = take_pages(browser, endpoints["portal"], chosen.person, chosen.into)
        take_trace(browser, endpoints["traces"], prompt_id, chosen.into)
        browser.close()


def running_platform() -> dict[str, str]:
    """The addresses of the platform that runs here."""
    home = Path(os.environ.get("JOINEDUP_HOME") or ROOT / "build" / "run")
    file = home / "endpoints.json"
    if not file.is_file():
        raise SystemExit("no platform runs here; start one with: make demo")
    found: dict[str, str] = json.loads(file.read_text())
    return found


def sign_in(page: Page, portal: str, person: str) -> None:
    """Sign in at the local provider, which asks for no password."""
    page.goto(f"{portal}/sign-in")
    page.get_by_placeholder("sub").fill(person)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(f"{portal}/")


def take_pages(browser: Browser, portal: str, person: str, folder: Path) -> str:
    """Take inbox and prompt; answer the prompt's id."""
    page = browser.new_context(viewport=DESKTOP, locale="en-GB").new_page()
    page.goto(f"{portal}/?lang=en")
    sign_in(page, portal, person)
    page.screenshot(path=folder / "inbox.png")
    links = page.locator("a.govuk-task-list__link")
    if links.count() == 0:
        raise SystemExit(f"the inbox of {person} is empty; let the demo play first")
    links.first.click()
    page.screenshot(path=folder / "prompt.png", full_page=True)
    return page.url.rpartition("/")[2]


def take_trace(browser: Browser, traces: str, prompt_id: str, folder: Path) -> None:
    """Take the journey that led to the prompt."""
    page = browser.new_context(viewport=TRACE).new_page()
    page.goto(f"{traces}/zipkin/traces/{journey(traces, prompt_id)}")
    page.get_by_text("Duration").first.wait_for()
    page.screenshot(path=folder / "trace.png")


def journey(traces: str, prompt_id: str) -> str:
    """The trace that touched the prompt and went through the most processes."""
    query = {
        "annotationQuery": f"joinedup.prompt_id={prompt_id}",
        "endTs": int(time.time() * 1000),
        "lookback": LOOK_BACK_MS,
        "limit": 20,
    }
    found = httpx.get(f"{traces}/api/v2/traces?{urlencode(query)}", timeout=10, trust_env=False)
    kept: list[list[dict[str, Any]]] = found.raise_for_status().json()
    if not kept:
        raise SystemExit("the trace page no longer has the journey of that prompt; play it again")
    longest = max(
        kept, key=lambda spans: len({each["localEndpoint"]["serviceName"] for each in spans})
    )
    return str(longest[0]["traceId"])


if __name__ == "__main__":
    main()
