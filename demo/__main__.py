"""`python -m demo`: the town, live; with `--check` every step is asserted and nobody watches."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

from rich.console import Console

from demo.scene import PEOPLE, SEED
from demo.showing.performance import check, show
from deploy.local.errors import LocalError


def main(arguments: Sequence[str] | None = None) -> int:
    """Play; returns 0 when all was seen."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="assert each step, then stop")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, another town")
    parser.add_argument("--people", type=int, default=PEOPLE, help="how many live in the town")
    given = parser.parse_args(arguments)
    # Clients write about every lost connection; the acts say what was lost and found again.
    for noisy in ("kafka", "aiokafka", "opentelemetry", "grpc", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    console = Console()
    perform = check if given.check else show
    try:
        return 0 if asyncio.run(_until_ended(perform(console, given.seed, given.people))) else 1
    except LocalError as failed:
        Console(stderr=True).print(str(failed), style="red", markup=False)
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("\nstopped; nothing is left running")
        return 0 if not given.check else 1
    return 1


async def _until_ended(work: Coroutine[Any, Any, bool]) -> bool:
    """Do the work; a closed terminal ends it as Ctrl-C does, with everything stopped."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


if __name__ == "__main__":
    sys.exit(main())
