"""Server token files with something wrong in them, the same for the same seed.

Three places are changed: the file's bytes, the structure of the CMS inside, and the text that is
encrypted in it.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.sandbox.apple.credentials import Credentials
from tests.sandbox.apple.mint import Mint, armoured, inner_text
from tests.sandbox.apple.shape import Armour, Cipher, KeyTransport, Shape

CONSTRUCTED = 0x20
DEEPEST = 5
LENGTHS = (b"\x80", b"\x81\x00", b"\x84\xff\xff\xff\xff", b"\xff", b"\x00", b"\x82\x00\x01")
TAGS = (0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x24, 0x30, 0x31, 0x80, 0xA0, 0xA1, 0xA3)
ARMOURS = (Armour.SMIME, Armour.PEM, Armour.BARE, Armour.RAW)
ALPHABET = [*'{}[]":,\\ \n\r\t\x00-+.0123456789eE', "é", "\u202e", "\ufeff", "null", "NaN", "true"]


class Mutant(NamedTuple):
    """A changed file: what was done to it, and the text inside where that was changed."""

    kind: str
    data: bytes
    text: bytes | None = None


@dataclass(slots=True)
class Node:
    """One TLV of a DER structure: a constructed one has children, a primitive one content."""

    tag: int
    content: bytes = b""
    children: list["Node"] = field(default_factory=list)
    open_ended: bool = False
    length: bytes | None = None
    """Another length than the true one."""

    @property
    def constructed(self) -> bool:
        return bool(self.tag & CONSTRUCTED)

    def bytes(self) -> bytes:
        """As bytes, with what is wrong in it."""
        content = b"".join(child.bytes() for child in self.children) or self.content
        if self.open_ended and self.constructed:
            return bytes([self.tag, 0x80]) + content + b"\x00\x00"
        return bytes([self.tag]) + (self.length or _length(len(content))) + content

    def walk(self) -> Iterator["Node"]:
        """This one and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse(data: bytes) -> Node:
    """Read one DER value that is known to be whole."""
    (node,) = _nodes(data)
    return node


def _nodes(data: bytes) -> list[Node]:
    nodes, at = [], 0
    while at < len(data):
        tag, size, start = data[at], data[at + 1], at + 2
        if size & 0x80:
            width = size & 0x7F
            size = int.from_bytes(data[start : start + width])
            start += width
        content = data[start : start + size]
        inner = _nodes(content) if tag & CONSTRUCTED else []
        nodes.append(Node(tag, b"" if inner else content, inner))
        at = start + size
    return nodes


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    width = (size.bit_length() + 7) // 8
    return bytes([0x80 | width]) + size.to_bytes(width)


class Mutants:
    """Makes changed files of one right one."""

    def __init__(self, mint: Mint, credentials: Credentials, *, others: list[bytes]) -> None:
        self.mint = mint
        self.credentials = credentials
        self.others = others
        self.der = mint.cms(credentials, shape=Shape(open_ended=False))
        self.wholes = [mint.token(credentials, shape=Shape(armour=one)) for one in ARMOURS]
        self.wholes.append(self.der)

    def make(self, number: int, seed: int) -> Iterator[Mutant]:
        """So many, of all three places in turn."""
        chance = random.Random(seed)  # noqa: S311 - mutants are no secret
        makers = (self._of_bytes, self._of_structure, self._of_text, self._of_structure)
        for one in range(number):
            yield makers[one % len(makers)](chance)

    def _of_bytes(self, chance: random.Random) -> Mutant:
        data = chance.choice(self.wholes)
        names = []
        for _ in range(chance.choice((1, 1, 1, 2, 5, 40))):
            edit = chance.choice(BYTE_EDITS)
            data = edit(data, chance)
            names.append(edit.__name__)
        return Mutant(f"bytes: {names[0].strip('_')}", data)

    def _of_structure(self, chance: random.Random) -> Mutant:
        if chance.random() < 0.2:
            return self._of_shape(chance)
        root = parse(self.der)
        if chance.random() < 0.3:
            for node in root.walk():
                node.open_ended = chance.random() < 0.7
        names = []
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            edit = chance.choice(NODE_EDITS)
            edit(chance.choice(list(root.walk())), chance)
            names.append(edit.__name__)
        armour = chance.choice(ARMOURS)
        data = armoured(root.bytes(), Shape(armour=armour))
        return Mutant(f"structure: {names[0].strip('_')}", data)

    def _of_shape(self, chance: random.Random) -> Mutant:
        """Whole structures that Apple does not write."""
        other = tuple(chance.sample(self.others, chance.randint(1, len(self.others))))
        kind, shape = chance.choice(
            [
                ("a recipient before", Shape(others_before=other)),
                ("a recipient after", Shape(others_after=other)),
                ("no recipient", Shape(no_recipients=True)),
                ("another recipient's key", Shape(key_of=other[0])),
                ("another serial", Shape(serial=chance.randrange(-(2**64), 2**64))),
                ("a key identifier", Shape(subject_key_identifier=True)),
                ("another cipher", Shape(cipher=chance.choice(list(Cipher)))),
                ("OAEP", Shape(key_transport=KeyTransport.OAEP)),
                ("a version", Shape(version=chance.randrange(-3, 9))),
                ("chunks", Shape(chunk=chance.randint(1, 64), nesting=chance.randrange(12))),
                ("cut", Shape(cut_cms=chance.randint(1, 900))),
                ("cut base64", Shape(cut_base64=chance.randint(1, 900))),
                ("bytes behind", Shape(trailing=chance.randbytes(chance.randint(1, 90)))),
            ]
        )
        return Mutant(f"shape: {kind}", self.mint.token(self.credentials, shape=shape))

    def _of_text(self, chance: random.Random) -> Mutant:
        if chance.random() < 0.5:
            text = inner_text(self.credentials).decode()
            for _ in range(chance.choice((1, 1, 2, 6))):
                at = chance.randrange(len(text) + 1)
                put = "".join(chance.choices(ALPHABET, k=chance.randrange(4)))
                text = text[:at] + put + text[at + chance.randrange(4) :]
            kind = "text: edited"
        else:
            values: dict[str, object] = dict(self.credentials.fields())
            for _ in range(chance.choice((1, 1, 2))):
                values[chance.choice([*values, "x" * chance.randint(1, 20)])] = _value(chance)
            kind, text = "text: another value", json.dumps(values)
        data = text.encode()
        if chance.random() < 0.1:
            kind, data = "text: bytes", chance.randbytes(chance.randrange(300))
        shape = Shape(text=data, armour=Armour.RAW)
        return Mutant(kind, self.mint.token(self.credentials, shape=shape), data)


def _value(chance: random.Random, depth: int = 0) -> object:
    makers: list[Callable[[], object]] = [
        lambda: None,
        lambda: chance.random() < 0.5,
        lambda: chance.randrange(-(10**30), 10**30),
        lambda: chance.uniform(-1e308, 1e308),
        lambda: "".join(chance.choices(ALPHABET, k=chance.randrange(40))),
        lambda: "A" * chance.choice((0, 1, 1_024, 1_025, 5_000)),
        lambda: f"{chance.randrange(10_000):04}-{chance.randrange(99):02}-30T09:30:00Z",
    ]
    if depth < DEEPEST:
        makers.append(lambda: [_value(chance, depth + 1) for _ in range(chance.randrange(3))])
        makers.append(lambda: {"a": _value(chance, depth + 1)})
    return chance.choice(makers)()


def _flip_a_bit(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _put_bytes_in(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.randint(1, 9)) + data[at:]


def _take_bytes_out(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randint(1, 9) :]


def _cut_short(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _cut_the_beginning(data: bytes, chance: random.Random) -> bytes:
    return data[chance.randrange(len(data) + 1) :]


def _double_a_part(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at : at + 200] * chance.randint(1, 4) + data[at:]


def _other_line_ends(data: bytes, chance: random.Random) -> bytes:
    return data.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b" \n", b"")))


BYTE_EDITS: list[Callable[[bytes, random.Random], bytes]] = [
    _flip_a_bit,
    _put_bytes_in,
    _take_bytes_out,
    _cut_short,
    _cut_the_beginning,
    _double_a_part,
    _other_line_ends,
]


def _another_tag(node: Node, chance: random.Random) -> None:
    node.tag = chance.choice((*TAGS, chance.randrange(256)))


def _another_length(node: Node, chance: random.Random) -> None:
    node.length = chance.choice((*LENGTHS, _length(chance.randrange(70_000))))


def _open_ended(node: Node, _chance: random.Random) -> None:
    node.tag |= CONSTRUCTED
    node.open_ended = True


def _nest(node: Node, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 2, 30, 80))):
        inner = Node(node.tag, node.content, node.children)
        node.tag, node.content, node.children = chance.choice((0x30, 0x31, 0xA0)), b"", [inner]


def _double(node: Node, chance: random.Random) -> None:
    node.children = node.children * chance.choice((2, 3, 4))


def _reorder(node: Node, chance: random.Random) -> None:
    node.children = chance.sample(node.children, len(node.children))


def _drop(node: Node, chance: random.Random) -> None:
    if node.children:
        node.children = [*node.children]
        node.children.pop(chance.randrange(len(node.children)))
    else:
        node.content = b""


def _other_content(node: Node, chance: random.Random) -> None:
    if not node.children:
        node.content = chance.choice(BYTE_EDITS)(node.content, chance)


def _swap_algorithm(node: Node, chance: random.Random) -> None:
    if node.tag == 0x06:
        oids = (
            "2a864886f70d010101",
            "2a864886f70d010107",
            "60864801650304012a",
            "2a864886f70d0307",
        )
        node.content = bytes.fromhex(chance.choice(oids))


NODE_EDITS: list[Callable[[Node, random.Random], None]] = [
    _another_tag,
    _another_length,
    _open_ended,
    _nest,
    _double,
    _reorder,
    _drop,
    _other_content,
    _other_content,
    _swap_algorithm,
]
