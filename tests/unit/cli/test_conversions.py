"""A column's text becomes a value in the declared way, or is refused without being quoted."""

import pytest

from joinedup.cli.files.conversions import NotConvertible, converter

LONDON = {"moment": "%d/%m/%Y %H:%M", "zone": "Europe/London"}
DATES = {"date": ["%d/%m/%Y", "%m/%Y", "%Y"]}


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ({}, "as it is", "as it is"),
        ({"date": "%d/%m/%Y"}, "18/11/2026", "2026-11-18"),
        ({"date": "%d/%m/%Y"}, "1/2/1994", "1994-02-01"),
        (DATES, "11/2026", "2026-11"),
        (DATES, "1991", "1991"),
        (LONDON, "20/11/2026 10:00", "2026-11-20T10:00:00+00:00"),
        (LONDON, "20/07/2026 10:00", "2026-07-20T10:00:00+01:00"),
        ({"words": {"Y": True, "N": False, "own": "owned"}}, "N", False),
        ({"words": {"Y": True, "N": False, "own": "owned"}}, "own", "owned"),
        ({"split": ";"}, "Ada; Mair;;Non ", ["Ada", "Mair", "Non"]),
        ({"number": "integer"}, "-42", -42),
        ({"number": "decimal"}, "12.50", 12.5),
    ],
)
def test_a_text_becomes_a_value(column, text, value):
    assert converter(column)(text) == value


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ({"date": "%d/%m/%Y"}, "31/02/2026", "time_invalid"),
        ({"date": "%d/%m/%Y"}, "2026-11-18", "time_invalid"),
        ({"date": "%d/%m/%Y"}, "18/11/26", "time_invalid"),
        (LONDON, "20/11/2026", "time_invalid"),
        ({"words": {"Y": True}}, "y", "value_not_allowed"),
        ({"number": "integer"}, "1e3", "type_wrong"),
        ({"number": "integer"}, "٣", "type_wrong"),
        ({"number": "decimal"}, "NaN", "type_wrong"),
        ({"number": "decimal"}, "1,5", "type_wrong"),
    ],
)
def test_what_does_not_fit_is_refused_unquoted(column, text, code):
    with pytest.raises(NotConvertible) as refused:
        converter(column)(text)

    assert refused.value.code == code
    assert text not in refused.value.detail
