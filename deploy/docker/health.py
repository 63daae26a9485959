"""Asks this container's process whether it is ready: `python health.py [URL]`.

Without a URL it asks the probe port, which the service's own setting names.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from deploy.local.running.readiness import Kind, Question, ready

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def address(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the URL to ask; raises StopIteration when neither names one."""
    if arguments:
        return arguments[0]
    port = next(value for name, value in environment.items() if name.endswith("_PROBE_PORT"))
    return f"http://127.0.0.1:{port}/health/ready"


if __name__ == "__main__":
    sys.exit(0 if ready(Question(Kind.HTTP, address(sys.argv[1:], os.environ))) else 1)
