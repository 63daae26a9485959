"""A lawful basis or a purpose that a publisher names for itself: only the catalogue says which.

No event and no token can say one. Naming what the type's entry grants anyway is a field too many
and nothing else; naming another is an attempt to use people's data outside the gateway.
"""

from collections.abc import Mapping
from typing import Any, Final

from services.events.domain.event_type import EventType

_BASIS: Final = frozenset({"basis", "lawfulbasis", "legalbasis"})
# No entry grants these, whatever they say.
_NEVER_GRANTED: Final = frozenset({"purpose", "bypassconsent"})
_NOT_GRANTED: Final = "\0"


def named_bases(members: Mapping[str, Any]) -> frozenset[str]:
    """What the members of an event, or the claims of a token, name as a basis of their own."""
    found = set()
    for name, value in members.items():
        plain = name.replace("_", "").replace("-", "").lower()
        if plain in _BASIS:
            found.add(value if isinstance(value, str) else _NOT_GRANTED)
        elif plain in _NEVER_GRANTED:
            found.add(_NOT_GRANTED)
    return frozenset(found)


def is_outside_gateway(
    event_type: EventType, told: Mapping[str, Any], claimed: frozenset[str]
) -> bool:
    """Whether an event, or the token it came with, names what its type does not grant.

    What the type declares as a fact is one, whatever it is called.
    """
    data = _members(told.get("data"))
    declared = event_type.facts.get("properties", {})
    facts = {n: said for n, said in _members(data.get("facts")).items() if n not in declared}
    named = claimed.union(*map(named_bases, (told, data, facts)))
    return bool(named - {event_type.lawful_basis})


def _members(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
