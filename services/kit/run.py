"""The life of a process: start, serve until told to stop, end with a code that says how."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import uvloop

from services.kit.telemetry import log

EXIT_CANNOT_START: Final = 69  # EX_UNAVAILABLE of sysexits.h
# Little of what a request makes is in a cycle: looking for cycles less often is time for requests.
COLLECT_AFTER: Final = (20_000, 20, 20)
# A thread that has an answer from the network waits at most this long for the interpreter.
SWITCH_SECONDS: Final = 0.001
EXIT_FAILED: Final = 70  # EX_SOFTWARE of sysexits.h: ended without acknowledging


class CannotStart(Exception):
    """A process cannot start; the text is one line for whoever started it, without values."""


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main` until it returns; SIGTERM and SIGINT set the event it is given.

    Ends with SystemExit: 0 after a stop that was asked for, 69 with one line when it cannot
    start, 70 when anything else was raised.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_serve(main))
    raise SystemExit(code)


def settle() -> None:
    """Call once everything is loaded: what lives now lives for ever and is not collected again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def _serve(main: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.call_later(5.0, settle)
    try:
        await main(stop)
    except CannotStart as refused:
        sys.stderr.write(f"cannot start: {refused}\n")
        return EXIT_CANNOT_START
    except Exception:  # noqa: BLE001  # the last boundary: whatever it was, the exit code says so
        log(__name__).exception("process failed")
        return EXIT_FAILED
    return 0
