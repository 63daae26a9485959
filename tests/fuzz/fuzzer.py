"""A small fuzzer: it mutates what it has, and keeps what was answered in a way not seen before."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from random import Random
from typing import Final

# No answer may repeat what was sent. This is put into what is sent, and looked for in answers.
CANARY: Final = "zq-canary-qz"
MOST_KEPT: Final = 2_000
_MOST_BYTES: Final = 80 * 1024
_SHRINKING_SECONDS: Final = 5.0

# What parsers are wont to stumble over.
_TOKENS: Final = (
    *(b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"),
    *(
        each.encode()
        for each in (
            *('"', "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "\x00", "\x7f", "\ufeff"),
            *("\\u0000", "\\ud800", "\\ude00", "e\u0301", "\u00e9", "\u202e", "\U0001f476"),
            *("null", "true", "false", "0", "-0", "-1", "1e999", "1E-7", "NaN", "Infinity", "0.1"),
            *("9223372036854775807", "9223372036854775808", "1" * 5000, "[" * 20, '{"a":' * 20),
            *("2026", "2026-02-30", "1899-12-31", "9999-12-31", "T00:00:00", "+14:00", "Z", "\\/"),
            *('"id"', '"data"', '"type"', '"persons"', '"facts"', '"role"', "%00", "%ff", "%"),
            *(CANARY, f'"{CANARY}"', f'"x":"{CANARY}",', f'"{CANARY}":1,'),
        )
    ),
)

Target = Callable[[bytes], Hashable]
"""Takes an input, raises when a law is broken, and says in one word how it was answered."""


class Broken(AssertionError):
    """A law does not hold for an input, which is shown as short as it could be made."""

    def __init__(self, case: bytes, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}\n  for {case!r}")
        self.case = case


def fuzz(target: Target, seeds: Sequence[bytes], *, seconds: float, seed: int) -> int:
    """Try inputs for so long; how many. Raises Broken."""
    random, kept = Random(seed), list(seeds)
    answers = {_tried(target, each) for each in kept}
    tried, end = len(kept), time.monotonic() + seconds
    while time.monotonic() < end:
        case = _mutated(random, kept)
        answer = _tried(target, case)
        tried += 1
        if answer not in answers and len(kept) < MOST_KEPT:
            answers.add(answer)
            kept.append(case)
    return tried


def _tried(target: Target, case: bytes) -> Hashable:
    try:
        return target(case)
    except Exception as error:
        short = _shortest(target, case, type(error))
        raise Broken(short, error) from error


def _mutated(random: Random, kept: Sequence[bytes]) -> bytes:
    case = bytearray(random.choice(kept))
    for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
        at = random.randrange(len(case) + 1)
        end = min(len(case), at + random.choice((0, 1, 1, 4, 16, 64)))
        match random.randrange(5):
            case 0:
                case[at:end] = random.randbytes(random.choice((1, 1, 2, 4)))
            case 1:
                case[at:end] = random.choice(_TOKENS)
            case 2:
                case[at:end] = b""
            case 3:
                case[at:at] = case[at:end] * random.choice((1, 1, 2, 30))
            case _:
                other = random.choice(kept)
                start = random.randrange(len(other) + 1)
                case[at:end] = other[start : start + random.choice((4, 16, 64, 400))]
    return bytes(case[:_MOST_BYTES])


def _shortest(target: Target, case: bytes, kind: type[BaseException]) -> bytes:
    """The case with everything left out that the error does not need, within a few seconds."""
    end = time.monotonic() + _SHRINKING_SECONDS
    size = len(case) // 2
    while size and time.monotonic() < end:
        shorter = next((each for each in _without(case, size) if _breaks(target, each, kind)), None)
        case, size = (shorter, size) if shorter is not None else (case, size // 2)
    return case


def _without(case: bytes, size: int) -> Iterator[bytes]:
    return (case[:at] + case[at + size :] for at in range(0, len(case), size))


def _breaks(target: Target, case: bytes, kind: type[BaseException]) -> bool:
    try:
        target(case)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is compared
        return type(error) is kind
    return False
