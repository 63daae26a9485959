"""Free ports for servers that must be told theirs before they start."""

from __future__ import annotations

import os
import socket
from itertools import cycle
from typing import Final

# Above the platforms that tests start, and below where the kernel takes ports for clients: between
# the asking and the binding no client of anybody's can come to stand on it.
_FIRST: Final = 30_000
_LAST: Final = 32_700
_STRIDE: Final = 97

# Runs side by side begin at different places, and none hands out the same port twice in a row.
_begin: Final = _FIRST + os.getpid() * _STRIDE % (_LAST - _FIRST)
_numbers: Final[cycle[int]] = cycle([*range(_begin, _LAST), *range(_FIRST, _begin)])


def free_port() -> int:
    """A port of loopback that nobody has, and that nobody was given lately."""
    for _ in range(_LAST - _FIRST):
        number = next(_numbers)
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", number))
            except OSError:
                continue
        return number
    raise AssertionError("no port is free")
