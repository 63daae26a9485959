"""The command line of a whole platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.command_line import AsProcess

if TYPE_CHECKING:
    from deploy.local.platform import Platform


@pytest.fixture(scope="session")
def joinedup(platform: Platform) -> AsProcess:
    """`joinedup`, as a person or a script runs it."""
    return AsProcess(platform.home)
