"""A bounded reader of BER (X.690), as much of it as CMS files and certificates need.

Apple writes server tokens in BER with indefinite lengths; libraries that decrypt read DER alone.
`parse` gives a small tree, `encode` writes it back as DER. Both take one pass over the bytes,
whatever the bytes are: depth and number of nodes are capped.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
SEQUENCE = 0x30
SET = 0x31
EXPLICIT_0 = 0xA0

MAX_DEPTH = 16
MAX_NODES = 4_096
MAX_NUMBER_BYTES = 64

_CONSTRUCTED = 0x20
_CLASS = 0xC0
_TAG_NUMBER = 0x1F
_LONG_FORM = 0x80
_MAX_LENGTH_BYTES = 4
_END_OF_CONTENTS = b"\x00\x00"
_CONSTRUCTED_UNIVERSAL = (SEQUENCE, SET, OCTET_STRING | _CONSTRUCTED)
_NEVER_PRIMITIVE = (0, SEQUENCE & ~_CONSTRUCTED, SET & ~_CONSTRUCTED)


class BerError(ValueError):
    """The bytes are not BER, or go beyond what this reader takes."""


class UnexpectedFields(BerError):
    """Sound BER, but other fields than the ones asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One element: its identifier octet, and either its content or its children."""

    tag: int
    content: bytes = field(default=b"", repr=False)
    children: tuple["Node", ...] = ()

    @property
    def tags(self) -> tuple[int, ...]:
        """The identifier octets of the children, in order: the shape of this element."""
        return tuple(child.tag for child in self.children)

    def fields(self, *tags: int | None) -> tuple["Node", ...]:
        """Give the children if they have exactly these tags; None stands for any tag.

        Raises UnexpectedFields for more, fewer or others.
        """
        if len(tags) != len(self.children) or any(
            tag not in (None, found) for tag, found in zip(tags, self.tags, strict=True)
        ):
            raise UnexpectedFields(f"fields {self.tags} where {tags} were expected")
        return self.children


@dataclass(slots=True, kw_only=True)
class _Open:
    """A constructed element whose end is not reached yet.

    `end` is None for an indefinite one; `limit` is the nearest known end around it.
    """

    tag: int
    end: int | None
    limit: int
    children: list[Node] = field(default_factory=list)

    def close(self) -> Node:
        if self.tag == OCTET_STRING | _CONSTRUCTED:
            return Node(tag=OCTET_STRING, content=_joined(self.children))
        return Node(tag=self.tag, children=tuple(self.children))


def parse(data: bytes) -> Node:
    """Read exactly one element with all that is inside; universal OCTET STRINGs come joined.

    Raises BerError for anything cut short, left over, too deep or too many.
    """
    top = _Open(tag=0, end=len(data), limit=len(data))
    stack = [top]
    position = nodes = 0
    while not top.children:
        nodes += 1
        if nodes > MAX_NODES:
            raise BerError(f"more than {MAX_NODES} elements")
        position = _close_finished(data, _read_one(data, position, stack), stack)
    if position != len(data):
        raise BerError(f"{len(data) - position} bytes after the end")
    return top.children[0]


def encode(node: Node) -> bytes:
    """Write a node as DER: definite lengths in their shortest form."""
    content = b"".join(encode(child) for child in node.children) or node.content
    size = len(content)
    if size < _LONG_FORM:
        return bytes([node.tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([node.tag, _LONG_FORM | len(length)]) + length + content


def integer(node: Node) -> int:
    """Read an INTEGER, negative ones too, of at most 64 bytes."""
    if node.tag != INTEGER or not 1 <= len(node.content) <= MAX_NUMBER_BYTES:
        raise BerError(f"not an INTEGER of 1 to {MAX_NUMBER_BYTES} bytes")
    return int.from_bytes(node.content, "big", signed=True)


def oid(node: Node) -> str:
    """Read an OBJECT IDENTIFIER into its dotted form."""
    content = node.content
    if node.tag != OID or not 1 <= len(content) <= MAX_NUMBER_BYTES or content[-1] & _LONG_FORM:
        raise BerError("not an OBJECT IDENTIFIER")
    first, *arcs = _arcs(content)
    root = min(first // 40, 2)
    return ".".join(str(arc) for arc in (root, first - 40 * root, *arcs))


def implicit_octets(node: Node, number: int) -> bytes:
    """Read `[number] IMPLICIT OCTET STRING`, written whole or in chunks (X.690, 8.7 and 8.14)."""
    tag = _LONG_FORM | number
    if node.tag == tag:
        return node.content
    if node.tag == tag | _CONSTRUCTED:
        return _joined(node.children)
    raise UnexpectedFields(f"tag {node.tag:#04x} where [{number}] was expected")


def _joined(chunks: list[Node] | tuple[Node, ...]) -> bytes:
    if any(chunk.tag != OCTET_STRING for chunk in chunks):
        raise BerError("something else than an OCTET STRING among its chunks")
    return b"".join(chunk.content for chunk in chunks)


def _arcs(content: bytes) -> Iterator[int]:
    arc = 0
    for byte in content:
        arc = arc << 7 | byte & ~_LONG_FORM
        if not byte & _LONG_FORM:
            yield arc
            arc = 0


def _close_finished(data: bytes, position: int, stack: list[_Open]) -> int:
    """Close every element that ends here; give the position after their end-of-contents."""
    while len(stack) > 1:
        level = stack[-1]
        if level.end is None:
            if data[position : min(position + 2, level.limit)] != _END_OF_CONTENTS:
                break
            position += 2
        elif position < level.end:
            break
        closed = stack.pop().close()
        stack[-1].children.append(closed)
    return position


def _read_one(data: bytes, position: int, stack: list[_Open]) -> int:
    """Read one header, and the content of a primitive element; give the position after it."""
    limit = stack[-1].limit
    tag, length, position = _header(data, position, limit)
    end = None if length is None else position + length
    if end is not None and end > limit:
        raise BerError("an element is longer than what holds it")
    if tag & _CONSTRUCTED:
        if len(stack) > MAX_DEPTH:
            raise BerError(f"nested deeper than {MAX_DEPTH}")
        stack.append(_Open(tag=tag, end=end, limit=limit if end is None else end))
        return position
    if end is None:
        raise BerError("a primitive element of indefinite length")
    stack[-1].children.append(Node(tag=tag, content=data[position:end]))
    return end


def _header(data: bytes, position: int, limit: int) -> tuple[int, int | None, int]:
    """Read identifier and length (X.690, 8.1.2 and 8.1.3); a length of None is indefinite."""
    if position + 2 > limit:
        raise BerError("an element is cut short")
    tag, first = data[position], data[position + 1]
    position += 2
    _check_tag(tag)
    if first < _LONG_FORM:
        return tag, first, position
    size = first & ~_LONG_FORM
    if size == 0:
        return tag, None, position
    if size > _MAX_LENGTH_BYTES or position + size > limit:
        raise BerError("a length is too long or cut short")
    return tag, int.from_bytes(data[position : position + size], "big"), position + size


def _check_tag(tag: int) -> None:
    """Refuse long tags, a stray end-of-contents and the wrong form (X.690, 8.2 to 8.14)."""
    universal = tag & _CLASS == 0
    wrong_form = (
        tag not in _CONSTRUCTED_UNIVERSAL if tag & _CONSTRUCTED else tag in _NEVER_PRIMITIVE
    )
    if tag & _TAG_NUMBER == _TAG_NUMBER or (universal and wrong_form):
        raise BerError(f"tag {tag:#04x} has no place here")
