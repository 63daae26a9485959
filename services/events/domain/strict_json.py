"""JSON read strictly: one value, no duplicate key, nothing that another reader would mistake."""

import json
import math
import re
from typing import Any, Final, NoReturn

from services.events.domain.errors import BodyMalformed, TooLarge

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 16
_INT64: Final = 2**63

_BYTES_THAT_MATTER = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{},]', re.DOTALL)
_BYTES_SPACE: Final = b" \t\n\r"
# A whole string (or the rest of the text, where it never ends), or one bracket.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")
_NOT_CLEAN = re.compile("[\x00\ud800-\udfff]")


def read(body: bytes) -> Any:
    """The value of a JSON text; raises BodyMalformed and nothing else.

    Equal to what `json.loads` reads, for every text that is not refused.
    """
    text = _decoded(body)
    start = _end_of_space(text, 0)
    if start == len(text):
        raise BodyMalformed("body_empty")
    # Counted beforehand: a parser that recurses must not meet ten thousand brackets.
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(text)
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise BodyMalformed("json_invalid", _bytes_before(text, error.pos)) from None
    end = _end_of_space(text, end)
    if end != len(text):
        raise BodyMalformed("json_trailing", _bytes_before(text, end))
    # Only an escape can still bring in a NUL or half of a surrogate pair.
    if "\\u" in text:
        _check_clean(value)
    return value


def items(body: bytes, most: int) -> list[bytes]:
    """The texts of a JSON array's items, none of them read yet; raises BodyMalformed or TooLarge.

    An item is told from the next by brackets and commas alone, so that what is wrong inside one of
    them is its own matter.
    """
    begins = len(body) - len(body.lstrip(_BYTES_SPACE))
    if begins == len(body):
        raise BodyMalformed("body_empty")
    if body[begins : begins + 1] != b"[":
        raise BodyMalformed("batch_not_a_list", begins)
    return _well_formed(body, begins + 1, most) or _told_apart(body, begins, most)


def _well_formed(body: bytes, begins: int, most: int) -> list[bytes] | None:
    """The items where all of them are JSON, which is quickly told; None where it is not sure."""
    found: list[bytes] = []
    try:
        text = body.decode("utf-8")
        place = begins
        while len(found) < most:
            start = _end_of_space(text, place)
            _value, place = _ANY.raw_decode(text, start)
            found.append(text[start:place].encode("utf-8"))
            place = _end_of_space(text, place)
            if text[place] == "]":
                return found if _end_of_space(text, place + 1) == len(text) else None
            if text[place] != ",":
                return None
            place += 1
    except (ValueError, IndexError, RecursionError):
        return None
    return None


def _told_apart(body: bytes, begins: int, most: int) -> list[bytes]:
    found: list[bytes] = []
    depth, start = 0, begins + 1
    for match in _BYTES_THAT_MATTER.finditer(body, begins):
        token = match.group()
        if token in b"[{":
            depth += 1
        elif token == b"," and depth == 1:
            found.append(_item(body, start, match.start()))
            start = match.end()
            if len(found) >= most:
                raise TooLarge("batch_too_long")
        elif token in b"]}":
            depth -= 1
            if depth == 0:
                return _closed(body, found, start, match)
    raise BodyMalformed("json_invalid", len(body))


def _item(body: bytes, start: int, end: int) -> bytes:
    item = body[start:end].strip(_BYTES_SPACE)
    if not item:
        raise BodyMalformed("json_invalid", end)
    return item


def _closed(body: bytes, found: list[bytes], start: int, bracket: re.Match[bytes]) -> list[bytes]:
    """All items, once the array's own bracket has closed."""
    if bracket.group() != b"]":
        raise BodyMalformed("json_invalid", bracket.start())
    if body[bracket.end() :].strip(_BYTES_SPACE):
        raise BodyMalformed("json_trailing", bracket.end())
    if found or body[start : bracket.start()].strip(_BYTES_SPACE):
        found.append(_item(body, start, bracket.start()))
    return found


def _decoded(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BodyMalformed("text_encoding", error.start) from None
    nul = text.find("\x00")
    if nul >= 0:
        raise BodyMalformed("text_encoding", _bytes_before(text, nul))
    return text


def _end_of_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


def _bytes_before(text: str, position: int) -> int:
    return len(text[:position].encode("utf-8"))


def _check_depth(text: str) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        found = match.group()
        if found in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BodyMalformed("json_depth", _bytes_before(text, match.start()))
        elif found in "]}":
            depth -= 1


def _check_clean(value: Any) -> None:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if _NOT_CLEAN.search(each):
                raise BodyMalformed("text_encoding")
        elif isinstance(each, dict):
            waiting.extend(each.keys())
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BodyMalformed("json_duplicate_key")
    return found


def _integer(digits: str) -> int:
    # Twenty characters hold every 64-bit integer; Python itself refuses a few thousand.
    number = int(digits) if len(digits) <= len(str(-_INT64)) else _INT64
    if not -_INT64 <= number < _INT64:
        raise BodyMalformed("json_number")
    return number


def _real(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BodyMalformed("json_number")
    return number


def _no_number(_word: str) -> NoReturn:
    raise BodyMalformed("json_number")


_ANY: Final = json.JSONDecoder()
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_no_number
)
