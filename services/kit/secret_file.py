"""A secret of a process, read once from the file that a setting names."""

from pathlib import Path
from typing import Final

from services.kit.run import CannotStart

KEY_BYTES: Final = 32


def read_key(path: Path) -> bytes:
    """The 32 bytes that the file holds in hex; raises CannotStart, which says what to write."""
    try:
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        raise CannotStart(f"{path} holds no key: write 32 random bytes in hex") from None
    if len(key) != KEY_BYTES:
        raise CannotStart(f"{path} holds a key of the wrong length: write 32 random bytes in hex")
    return key
