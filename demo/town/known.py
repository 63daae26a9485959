"""The people of the golden events, so that publishing an example reaches somebody in the town."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from demo.town.people import Townsperson


def _known(sub: str, given: str, family: str, born: date, **others: Any) -> Townsperson:
    settled: dict[str, Any] = {
        "sex": "F",
        "postcode": "",
        "nation": "E",
        "language": "en",
        "household": 0,
    }
    return Townsperson(
        sub=sub, given=tuple(given.split()), family=family, born=born, **(settled | others)
    )


KNOWN: Final = (
    _known("mair", "Mair", "Bevan", date(1994, 2, 3), nino="QQ123456C", postcode="CF10 1AA"),
    _known("isla", "Isla", "Macrae", date(1991, 1, 1), nino="QQ234567A", nation="S"),
    _known(
        "owen",
        *("Owen Lloyd", "Parry", date(1956, 3, 14)),
        sex="M",
        driver_number="PARRY503146OL9AB",
        postcode="SA1 1DP",
        nation="W",
        language="cy",
    ),
    _known(
        "fiona",
        *("Fiona", "Sinclair", date(1990, 5, 2)),
        driver_number="SINCL955020F99CD",
        nation="S",
    ),
    _known(
        "sioned",
        *("Sioned", "Llewellyn", date(1988, 9, 27)),
        nino="QQ456789D",
        postcode="CF24 3AB",
        nation="W",
        language="cy",
    ),
    _known(
        "tariq",
        *("Tariq", "Hussain", date(1979, 12, 1)),
        sex="M",
        nino="QQ567890A",
        postcode="LS6 1AN",
    ),
    _known(
        "chloe",
        *("Chloe", "Adeyemi", date(1997, 5, 30)),
        nino="QQ678901B",
        postcode="M14 5TP",
        household=-1,
    ),
    _known(
        "femi",
        *("Femi", "Adeyemi", date(1995, 1, 11)),
        sex="M",
        nino="QQ789012C",
        postcode="M14 5TP",
        household=-1,
    ),
    _known("callum", "Callum", "Reid", date(2003, 8, 1), sex="M", nino="QQ890123D", nation="S"),
)
"""Everyone the examples name but those whom an example declares dead."""
