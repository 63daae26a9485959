"""Records are CloudEvents in binary mode; reading one never raises."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from services.kit.codec import Undecodable, Unreadable, attribute, decode, encode, major

TIME = datetime(2026, 11, 20, 10, 3, tzinfo=UTC)


def loaf_class():
    """`bakery.v1.Loaf {string loaf_id = 1; bytes crumb = 2; Loaf inner = 3;}`."""
    file = FileDescriptorProto(name="bakery/v1/loaf.proto", package="bakery.v1", syntax="proto3")
    loaf = file.message_type.add(name="Loaf")
    loaf.field.add(name="loaf_id", number=1, type=9, label=1)
    loaf.field.add(name="crumb", number=2, type=12, label=1)
    loaf.field.add(name="inner", number=3, type=11, label=1, type_name=".bakery.v1.Loaf")
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("bakery.v1.Loaf"))


Loaf = loaf_class()


def encoded(loaf, **overrides):
    about = {"id": "one", "type": "bakery.v1.Loaf", "source": "urn:bakery", "time": TIME}
    return encode(loaf, **{**about, **overrides})


def reason(value, headers):
    read = decode(value, headers, Loaf)
    assert isinstance(read, Undecodable)
    return read.reason


def test_a_record_carries_the_cloudevents_attributes_and_nothing_else():
    headers = dict(encoded(Loaf(loaf_id="1")).headers)

    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": b"one",
        "ce_source": b"urn:bakery",
        "ce_type": b"bakery.v1.Loaf",
        "ce_time": b"2026-11-20T10:03:00Z",
        "content-type": b"application/protobuf",
    }


def test_a_time_of_another_zone_is_written_in_utc():
    east = TIME.astimezone(timezone(timedelta(hours=5)))

    assert dict(encoded(Loaf(loaf_id="1"), time=east).headers)["ce_time"] == b"2026-11-20T10:03:00Z"


@given(st.text(min_size=1).filter(lambda text: text.isprintable()), st.binary())
def test_what_is_encoded_is_decoded(loaf_id, crumb):
    loaf = Loaf(loaf_id=loaf_id, crumb=crumb)
    record = encoded(loaf)

    assert isinstance(record.value, bytes)
    assert decode(record.value, record.headers, Loaf) == loaf


def test_bytes_that_happen_to_be_text_stay_bytes():
    record = encoded(Loaf(loaf_id="plain"))

    assert record.value.decode("utf-8") == "\n\x05plain"
    assert decode(record.value, record.headers, Loaf) == Loaf(loaf_id="plain")


def test_a_tombstone_is_told_from_an_empty_value():
    headers = encoded(Loaf(loaf_id="1")).headers

    assert reason(None, headers) is Unreadable.UNEXPECTED_TOMBSTONE
    assert reason(b"", headers) is Unreadable.EMPTY


def test_random_bytes_do_not_decode():
    record = encoded(Loaf(loaf_id="1"))

    assert reason(b"\xff\xfe\x00garbage", record.headers) is Unreadable.DECODE


def test_a_message_without_its_id_does_not_decode():
    record = encoded(Loaf(crumb=b"x"))

    assert reason(record.value, record.headers) is Unreadable.DECODE


def test_nesting_beyond_protobufs_limit_does_not_decode():
    value = b""
    for _ in range(200):
        value = b"\x1a" + _varint(len(value)) + value
    record = encoded(Loaf(loaf_id="1"))

    assert reason(b"\n\x011" + value, record.headers) is Unreadable.DECODE


def test_a_later_major_version_waits_for_its_reader():
    record = encoded(Loaf(loaf_id="1"), type="bakery.v2.Loaf")

    assert reason(record.value, record.headers) is Unreadable.SCHEMA_FUTURE


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("ce_id", b"1")],
        [("ce_id", None), ("ce_type", None)],
        [*encoded(Loaf(loaf_id="1")).headers, *[("x", b"")] * 64],
        [*encoded(Loaf(loaf_id="1")).headers, ("x", b"y" * 16_384)],
        [*encoded(Loaf(loaf_id="1")).headers, ("ce_source", b"\xff")],
        [*encoded(Loaf(loaf_id="1")).headers, ("ce_specversion", b"0.3")],
    ],
    ids=["none", "few", "null", "many", "large", "not text", "version"],
)
def test_headers_that_are_no_cloudevent_are_named(headers):
    assert reason(encoded(Loaf(loaf_id="1")).value, headers) is Unreadable.HEADERS


@pytest.mark.parametrize("header", [("ce_time", b"yesterday"), ("ce_BAD NAME", b"x")])
def test_headers_that_nobody_reads_are_not_judged(header):
    record = encoded(Loaf(loaf_id="1"))

    assert decode(record.value, [*record.headers, header], Loaf) == Loaf(loaf_id="1")


header_names = st.sampled_from(
    ["ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion", "content-type", "traceparent"]
)


@given(
    st.none() | st.binary(max_size=200),
    st.lists(
        st.tuples(header_names | st.text(max_size=5), st.none() | st.binary(max_size=40)),
        max_size=10,
    ),
)
def test_decoding_never_raises(value, headers):
    assert isinstance(decode(value, headers, Loaf), Undecodable | Loaf)


@given(st.binary(min_size=1, max_size=200))
def test_any_value_under_good_headers_is_read_or_named(value):
    read = decode(value, encoded(Loaf(loaf_id="1")).headers, Loaf)

    assert read == Undecodable(Unreadable.DECODE) or getattr(read, "loaf_id", "")


def test_an_attribute_is_read_without_the_message():
    headers = encoded(Loaf(loaf_id="1")).headers

    assert attribute(headers, "id") == "one"
    assert attribute(headers, "subject") is None
    assert attribute([("ce_id", b"\xff")], "id") == "\ufffd"


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("bakery.v1.Loaf", 1),
        ("civil-registration.birth.registered.v12", 12),
        ("v.view.vet", None),
        ("a.v²", None),
        ("", None),
    ],
)
def test_the_major_version_is_the_last_versioned_part(name, version):
    assert major(name) == version


def _varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])
