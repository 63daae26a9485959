"""How often a law of the rules is tried: twice as often as any other property."""

from __future__ import annotations

from typing import Final

from hypothesis import settings

law: Final = settings(max_examples=2 * settings().max_examples)
