"""Waiting for a condition: asked again until it holds, never a fixed pause."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_POLL_SECONDS = 0.05


def eventually(
    question: Callable[[], T], seconds: float = 15.0, said: Callable[[], str] = lambda: ""
) -> T:
    """What the question answers once that is true; fails with what was said when it never is."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"not within {seconds} s\n{said()}"
        time.sleep(_POLL_SECONDS)
    return answer


@contextmanager
def heard(logger: str) -> Iterator[list[tuple[str, str]]]:
    """Event and code of each warning of a module, from now on: a sign that it tried in vain."""
    said: list[tuple[str, str]] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append((str(record.msg), record.__dict__.get("code", "")))

    ear = Ear(logging.WARNING)
    logging.getLogger(logger).addHandler(ear)
    try:
        yield said
    finally:
        logging.getLogger(logger).removeHandler(ear)
