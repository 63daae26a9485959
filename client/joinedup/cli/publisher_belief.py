"""Asking the running events service whether it believes a key, and waiting until it does."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from joinedup.cli.home import Home, Problem
from joinedup.client import AsyncPublisher, Refused, Unavailable

_EVERY_SECONDS: Final = 0.1
_NO_EVENT: Final = "a" * 26
_NOT_BELIEVED: Final = "token_key"


def address(home: Home) -> str | None:
    """Where departments publish; None while no platform is running here."""
    try:
        return home.endpoints().get("events_http")
    except Problem:
        return None


async def is_believed(url: str, publisher: str, key: Path, kid: str | None = None) -> bool:
    """Whether the service takes a token that the key signs; raises Unavailable."""
    async with AsyncPublisher(publisher, key=key, url=url, kid=kid, patience_seconds=0) as caller:
        try:
            await caller.progress(_NO_EVENT)
        except Refused as refused:
            return refused.code != _NOT_BELIEVED
    return True


async def wait_until(
    url: str, publisher: str, key: Path, *, believed: bool, seconds: float, kid: str | None = None
) -> float:
    """Ask until the answer is the wanted one; how many seconds it took. Raises Problem."""
    begun = time.monotonic()
    while True:
        trouble = "it still says the contrary"
        try:
            if await is_believed(url, publisher, key, kid) == believed:
                return time.monotonic() - begun
        except Unavailable as away:
            trouble = str(away)
        if time.monotonic() - begun > seconds:
            break
        await asyncio.sleep(_EVERY_SECONDS)
    wanted = "believe" if believed else "refuse"
    raise Problem(
        "not_in_force",
        f"after {seconds:g} s the events service at {url} does not {wanted} {publisher}: {trouble}",
        f"it must read this catalogue and {key.parent}; its log names what is wrong with a file",
    )
