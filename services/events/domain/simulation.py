"""The sandbox's people: what would become of a prompt to each is told by their number alone."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.events.domain.life_event import Identifier, Person


class Simulated(StrEnum):
    """What would have become of a prompt to somebody."""

    DELIVERED = "delivered"
    DECLINED = "declined"  # they have permitted nothing
    UNREACHABLE = "unreachable"  # they have permitted it, and no channel leads to them


# Of ranges that are never issued to anybody: QQ NINOs, 999 NHS numbers, drivers of the month 00,
# tax references that begin with 0 (the check digit is 1 to 9).
PEOPLE: Final[Mapping[Identifier, Simulated]] = {
    Identifier("nino", "QQ000001A"): Simulated.DELIVERED,
    Identifier("nino", "QQ000002A"): Simulated.DECLINED,
    Identifier("nino", "QQ000003A"): Simulated.UNREACHABLE,
    Identifier("nhs-number", "9990000018"): Simulated.DELIVERED,
    Identifier("nhs-number", "9990000026"): Simulated.DECLINED,
    Identifier("nhs-number", "9990000034"): Simulated.UNREACHABLE,
    Identifier("driver-number", "SANDB000000AA001"): Simulated.DELIVERED,
    Identifier("driver-number", "SANDB000000AA002"): Simulated.DECLINED,
    Identifier("driver-number", "SANDB000000AA003"): Simulated.UNREACHABLE,
    Identifier("utr", "0000000001"): Simulated.DELIVERED,
    Identifier("utr", "0000000002"): Simulated.DECLINED,
    Identifier("utr", "0000000003"): Simulated.UNREACHABLE,
}


def outcome_of(person: Person) -> Simulated:
    """What would become of a prompt to a person, by the first number of theirs that is known here.

    Whoever has none is unknown, and an unknown person has permitted nothing.
    """
    for each in person.identifiers:
        plain = Identifier(each.scheme, each.value.replace(" ", "").upper())
        if plain in PEOPLE:
            return PEOPLE[plain]
    return Simulated.DECLINED
