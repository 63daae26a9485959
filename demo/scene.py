"""How large the town is, and who plays in it: the same for the same seed."""

from __future__ import annotations

from typing import Final

from demo.script import Cast, cast
from demo.town.known import KNOWN
from demo.town.people import Townsperson, people

SEED: Final = 2026
PEOPLE: Final = 2_000
DEVICES: Final = 20
PERMITTING: Final = 60


def set_scene(seed: int, size: int) -> tuple[tuple[Townsperson, ...], Cast]:
    """The town and its players."""
    town = people(seed, size, KNOWN)
    return town, cast(town, known=KNOWN, listening=DEVICES, permitting=PERMITTING, seed=seed)
