"""How long to fuzz, and with which seed: for ever the same in the ordinary run."""

from __future__ import annotations

import secrets

import pytest

ORDINARY_SECONDS = 5.0
ORDINARY_SEED = 20261123


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--fuzz-seconds` is what `make fuzz` runs with: longer, and never the same twice."""
    parser.addoption("--fuzz-seconds", type=float, help="fuzz so long, with a new seed")
    parser.addoption("--fuzz-seed", type=int, help="fuzz with this seed, to see a finding again")


@pytest.fixture(scope="session")
def fuzz_seconds(request: pytest.FixtureRequest) -> float | None:
    """How long to fuzz in all; None in the ordinary run."""
    seconds: float | None = request.config.getoption("--fuzz-seconds", None)
    return seconds


@pytest.fixture(scope="session")
def fuzz_seed(request: pytest.FixtureRequest, fuzz_seconds: float | None) -> int:
    """What chance begins with."""
    given = request.config.getoption("--fuzz-seed", None)
    chosen = ORDINARY_SEED if fuzz_seconds is None else secrets.randbelow(2**32)
    return chosen if given is None else given
