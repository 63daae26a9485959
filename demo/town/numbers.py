"""Numbers in ranges that are never issued: QQ NINOs, 999 NHS numbers, invented driver numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from typing import Final

_NINO_SUFFIXES: Final = "ABCD"
_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_INWARD_LETTERS: Final = "ABDEFGHJLNPQRSTUWXYZ"
_SIX_DIGITS: Final = 1_000_000
_ELEVEN: Final = 11
_TEN: Final = 10


def ninos(rng: random.Random, taken: frozenset[str]) -> Iterator[str]:
    """Different NINOs with the prefix QQ, which is never issued."""
    for number in rng.sample(range(_SIX_DIGITS), _SIX_DIGITS // 50):
        found = f"QQ{number:06d}{rng.choice(_NINO_SUFFIXES)}"
        if found not in taken:
            yield found


def nhs_numbers(rng: random.Random, taken: frozenset[str]) -> Iterator[str]:
    """Different NHS numbers that begin with 999, which is never issued, check digit right."""
    for number in rng.sample(range(_SIX_DIGITS), _SIX_DIGITS // 50):
        nine = f"999{number:06d}"
        digit = nhs_check_digit(nine)
        if digit is not None and f"{nine}{digit}" not in taken:
            yield f"{nine}{digit}"


def nhs_check_digit(nine: str) -> int | None:
    """The tenth digit, modulo 11; None for nine digits that can have none."""
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), nine, strict=True))
    digit = (_ELEVEN - total % _ELEVEN) % _ELEVEN
    return None if digit == _TEN else digit


def driver_number(
    rng: random.Random, *, given: tuple[str, ...], family: str, born: date, sex: str
) -> str:
    """Sixteen characters in the shape that driver numbers have in Great Britain."""
    letters = "".join(each for each in family.upper() if each.isascii() and each.isalpha())
    month = born.month + (50 if sex == "F" else 0)
    initials = "".join(name[0] for name in given[:2] if name[0].isascii()).upper()
    decade, year = divmod(born.year % 100, 10)
    check = "".join(rng.choice(_LETTERS) for _ in range(2))
    return (
        f"{letters[:5]:9<5}{decade}{month:02d}{born.day:02d}{year}{initials:9<2}"
        f"{rng.randint(2, 9)}{check}"
    )


def postcode(rng: random.Random, area: str) -> str:
    """A postcode of an area such as CF or LL; whether it exists does not matter."""
    inward = "".join(rng.choice(_INWARD_LETTERS) for _ in range(2))
    return f"{area}{rng.randint(10, 48)} {rng.randint(1, 9)}{inward}"
