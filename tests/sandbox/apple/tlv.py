"""Tag, length and value, written by hand, so that lengths can be definite or indefinite at will.

X.690 is the source. Libraries write DER alone; Apple's server tokens are BER.
"""

from collections.abc import Iterator

INTEGER = 0x02
OCTET_STRING = 0x04
NULL = b"\x05\x00"
OID = 0x06
SEQUENCE = 0x30
SET = 0x31
CONTEXT = 0x80
CONSTRUCTED = 0x20
END_OF_CONTENTS = b"\x00\x00"

_LONG_FORM = 0x80
_HIGH_TAG_NUMBER = 0x1F


def definite(tag: int, *parts: bytes) -> bytes:
    """One element whose length stands before its value, in the shortest form."""
    value = b"".join(parts)
    if len(value) < _LONG_FORM:
        return bytes([tag, len(value)]) + value
    length = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_FORM | len(length)]) + length + value


def indefinite(tag: int, *parts: bytes) -> bytes:
    """One constructed element that ends with two zero octets instead of knowing its length."""
    return bytes([tag, _LONG_FORM]) + b"".join(parts) + END_OF_CONTENTS


def container(tag: int, *parts: bytes, open_ended: bool) -> bytes:
    """One constructed element, of indefinite length where `open_ended`."""
    return indefinite(tag, *parts) if open_ended else definite(tag, *parts)


def integer(number: int) -> bytes:
    """One INTEGER, negative ones as two's complement."""
    magnitude = number if number >= 0 else ~number
    return definite(INTEGER, number.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def octets(value: bytes) -> bytes:
    """One primitive OCTET STRING."""
    return definite(OCTET_STRING, value)


def oid(dotted: str) -> bytes:
    """One OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return definite(OID, *(_base128(arc) for arc in (first * 40 + second, *rest)))


def elements(value: bytes) -> Iterator[bytes]:
    """Split the value of a DER container into its elements, each with its tag and length."""
    position = 0
    while position < len(value):
        end = position + _size(value[position:])
        yield value[position:end]
        position = end


def inside(element: bytes) -> bytes:
    """Take the value out of one DER element."""
    return element[_header(element) :]


def _base128(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))


def _header(element: bytes) -> int:
    if element[0] & _HIGH_TAG_NUMBER == _HIGH_TAG_NUMBER:
        raise ValueError("A tag number above 30 has no place in a certificate.")
    return 2 + (element[1] & 0x7F if element[1] & _LONG_FORM else 0)


def _size(element: bytes) -> int:
    header = _header(element)
    length = int.from_bytes(element[2:header], "big") if header > 2 else element[1]
    return header + length
