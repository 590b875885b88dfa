"""Claims about the reader of BER."""

import contextlib
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services import ber
from tests.sandbox.apple import tlv

# Seconds of the processor's time; measuring coverage slows each line down.
SOON = 0.05 if sys.gettrace() is None else 0.5
CHUNKED = tlv.OCTET_STRING | tlv.CONSTRUCTED


def test_indefinite_lengths_become_definite_ones() -> None:
    inner = tlv.indefinite(tlv.SET, tlv.integer(5), tlv.NULL)
    data = tlv.indefinite(tlv.SEQUENCE, tlv.oid("1.2.840.113549.1.7.1"), inner)

    expected = tlv.definite(
        tlv.SEQUENCE,
        tlv.oid("1.2.840.113549.1.7.1"),
        tlv.definite(tlv.SET, tlv.integer(5), tlv.NULL),
    )
    assert ber.encode(ber.parse(data)) == expected


def test_der_comes_back_byte_for_byte() -> None:
    data = tlv.definite(tlv.SEQUENCE, tlv.octets(b"x" * 300), tlv.octets(b"y" * 70_000))
    assert ber.encode(ber.parse(data)) == data


@pytest.mark.parametrize("length", [b"\x81\x03", b"\x82\x00\x03", b"\x84\x00\x00\x00\x03"])
def test_a_long_way_to_write_a_short_length_is_read(length: bytes) -> None:
    assert ber.parse(b"\x04" + length + b"abc").content == b"abc"


def test_chunks_of_an_octet_string_are_joined_at_any_depth() -> None:
    nested = tlv.indefinite(CHUNKED, tlv.octets(b"b"), tlv.definite(CHUNKED, tlv.octets(b"c")))
    node = ber.parse(tlv.definite(CHUNKED, tlv.octets(b"a"), nested, tlv.octets(b"")))
    assert (node.tag, node.content) == (ber.OCTET_STRING, b"abc")


@pytest.mark.parametrize(
    "data",
    [
        tlv.definite(tlv.CONTEXT, b"abcd"),
        tlv.definite(tlv.CONTEXT | tlv.CONSTRUCTED, tlv.octets(b"ab"), tlv.octets(b"cd")),
        tlv.indefinite(tlv.CONTEXT | tlv.CONSTRUCTED, tlv.octets(b"abc"), tlv.octets(b"d")),
    ],
)
def test_an_implicit_octet_string_is_read_whole_or_in_chunks(data: bytes) -> None:
    assert ber.implicit_octets(ber.parse(data), 0) == b"abcd"


@pytest.mark.parametrize("data", [tlv.octets(b"a"), tlv.definite(0xA0, tlv.NULL)])
def test_anything_else_is_not_an_implicit_octet_string(data: bytes) -> None:
    with pytest.raises(ber.BerError):
        ber.implicit_octets(ber.parse(data), 0)


@pytest.mark.parametrize("number", [0, 1, -1, 127, 128, -128, -129, -0x7ACE5EED0DDBA115, 2**159])
def test_integers_of_both_signs_are_read(number: int) -> None:
    assert ber.integer(ber.parse(tlv.integer(number))) == number


@pytest.mark.parametrize("dotted", ["1.2.840.113549.1.7.3", "2.5.4.3", "0.9.2342.1", "2.999.1"])
def test_object_identifiers_are_read(dotted: str) -> None:
    assert ber.oid(ber.parse(tlv.oid(dotted))) == dotted


@pytest.mark.parametrize(
    "data", [b"\x06\x00", b"\x06\x02\x2a\x86", tlv.definite(tlv.OID, b"\x81" * 90 + b"\x01")]
)
def test_a_broken_object_identifier_is_refused(data: bytes) -> None:
    with pytest.raises(ber.BerError):
        ber.oid(ber.parse(data))


@pytest.mark.parametrize("data", [b"\x02\x00", tlv.definite(tlv.INTEGER, b"\x01" * 65), tlv.NULL])
def test_an_integer_without_or_with_too_many_bytes_is_refused(data: bytes) -> None:
    with pytest.raises(ber.BerError):
        ber.integer(ber.parse(data))


def test_other_fields_than_asked_for_are_told_from_broken_bytes() -> None:
    node = ber.parse(tlv.definite(tlv.SEQUENCE, tlv.integer(1), tlv.NULL))

    assert [field.tag for field in node.fields(ber.INTEGER, None)] == [ber.INTEGER, ber.NULL]
    for tags in [(ber.INTEGER,), (ber.INTEGER, ber.OID), (ber.INTEGER, ber.NULL, None)]:
        with pytest.raises(ber.UnexpectedFields):
            node.fields(*tags)


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("nothing at all", b""),
        ("a tag alone", b"\x30"),
        ("content cut short", b"\x04\x05abc"),
        ("a length cut short", b"\x04\x82\x01"),
        ("a length of five bytes", b"\x04\x85\x00\x00\x00\x00\x01a"),
        ("a huge length", b"\x04\x84\xff\xff\xff\xff"),
        ("bytes after the end", tlv.integer(1) + b"\x00"),
        ("bytes after an indefinite end", tlv.indefinite(tlv.SEQUENCE) + b"\n"),
        ("no end of contents", b"\x30\x80\x02\x01\x01"),
        ("half an end of contents", b"\x30\x80\x02\x01\x01\x00"),
        ("an end of contents outside", b"\x00\x00"),
        ("an end of contents in a definite element", b"\x30\x02\x00\x00"),
        ("an end of contents beyond the parent", b"\x30\x02\x30\x80\x00\x00"),
        ("an end of contents across the parent's end", b"\x30\x03\x30\x80\x00\x00"),
        ("a primitive of indefinite length", b"\x04\x80\x00\x00"),
        ("a child longer than its parent", b"\x30\x03\x04\x05abcde"),
        ("a primitive SEQUENCE", b"\x10\x00"),
        ("a constructed INTEGER", b"\x22\x03\x02\x01\x01"),
        ("a tag number above 30", b"\x1f\x81\x01\x00"),
        ("an INTEGER among chunks", tlv.definite(CHUNKED, tlv.integer(1))),
    ],
)
def test_broken_bytes_are_refused(what: str, data: bytes) -> None:
    with pytest.raises(ber.BerError) as caught:
        ber.parse(data)
    assert caught.type is ber.BerError, what


@pytest.mark.parametrize("indefinite", [False, True])
def test_depth_is_capped(indefinite: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    data = b""
    for _ in range(ber.MAX_DEPTH):
        data = tlv.container(tlv.SEQUENCE, data, open_ended=indefinite)
    assert ber.parse(data).tag == ber.SEQUENCE

    with pytest.raises(ber.BerError, match="deeper"):
        ber.parse(tlv.container(tlv.SEQUENCE, data, open_ended=indefinite))


def test_the_number_of_elements_is_capped() -> None:
    assert ber.parse(tlv.definite(tlv.SEQUENCE, tlv.NULL * (ber.MAX_NODES - 1))).children
    with pytest.raises(ber.BerError, match="elements"):
        ber.parse(tlv.definite(tlv.SEQUENCE, tlv.NULL * ber.MAX_NODES))


def seconds(data: bytes) -> float:
    started = time.thread_time()
    with contextlib.suppress(ber.BerError):
        ber.encode(ber.parse(data))
    return time.thread_time() - started


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x80" * 32_768,
        b"\x30\x80" * 16 + tlv.NULL * 32_752,
        b"\x24\x80" * 16 + b"\x04\x01a" * 4_000 + b"\x00\x00" * 16,
        b"\x24\x80" * 15 + tlv.octets(b"a" * 65_000) + b"\x00\x00" * 15,
    ],
)
def test_the_costliest_64_kib_take_less_than_50_ms(data: bytes) -> None:
    assert any(seconds(data) < SOON for _ in range(3)), "one run may meet the garbage collector"


ELEMENTS = st.recursive(
    st.binary(max_size=300).map(tlv.octets) | st.integers(-(2**70), 2**70).map(tlv.integer),
    lambda inner: st.builds(
        lambda parts, tag, open_ended: tlv.container(tag, *parts, open_ended=open_ended),
        st.lists(inner, max_size=4),
        st.sampled_from([tlv.SEQUENCE, tlv.SET, 0xA0, 0xA3]),
        st.booleans(),
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(ELEMENTS)
def test_encoding_twice_changes_nothing_more(data: bytes) -> None:
    once = ber.encode(ber.parse(data))
    assert ber.encode(ber.parse(once)) == once


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(b"\x30\x80\x00\x04\x24\x02")).map(bytes))
def test_any_bytes_give_a_tree_or_a_ber_error(data: bytes) -> None:
    with contextlib.suppress(ber.BerError):
        ber.encode(ber.parse(data))
