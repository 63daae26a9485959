"""What a header says is told apart from how it is written there."""

import pytest
from starlette.datastructures import Headers

from services.events.domain.errors import Refused
from services.events.entrypoints.cloudevents_http import binary_event


def id_in(written):
    event = binary_event(Headers(raw=[(b"ce-id", written)]), b"{}")
    return event.reason if isinstance(event, Refused) else event["id"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"GRO-1", "GRO-1"),
        (b"Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        (b"100%25", "100%"),
        (b"%2525", "%25"),
        (b"", ""),
        (b'"GRO 1"', "GRO 1"),
        (b'"a \\"b\\" \\\\ %E2%82%AC"', 'a "b" \\ €'),
        (b'""', ""),
        # Not quoted strings: signs like any other.
        (b'a"b"', 'a"b"'),
        (b'"a"b"', '"a"b"'),
        (b'"', '"'),
    ],
)
def test_a_header_stands_for_a_value(written, told):
    assert id_in(written) == told


@pytest.mark.parametrize("written", [b"100%", b"%", b"%2", b"%zz", b"%C0%A0", b"%00", b'"%zz"'])
def test_what_stands_for_no_value_is_refused(written):
    assert id_in(written) == "text_encoding"
