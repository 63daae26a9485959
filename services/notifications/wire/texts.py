"""Texts of the wire that a database cannot keep."""

from services.notifications.domain.errors import DecisionInvalid


def storable(*texts: str) -> None:
    """Raise DecisionInvalid for a text with a NUL in it, which PostgreSQL has no place for."""
    if any("\0" in text for text in texts):
        raise DecisionInvalid("decode")
