"""JSON from outside, read into what is expected of it, or refused."""

from typing import TypeVar

import msgspec

Kind = TypeVar("Kind")


class Unreadable(Exception):
    """The text is no JSON, or not of that form; says how, without quoting any of it."""


def read(text: bytes | str, kind: type[Kind]) -> Kind:
    """The text as that kind. Raises Unreadable, however deep it is nested."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from None
