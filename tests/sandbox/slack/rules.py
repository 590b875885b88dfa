"""Checks that the tables of blocks and elements are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PLAIN = ("plain_text",)
ANY_TEXT = ("plain_text", "mrkdwn")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with blocks, and whether Slack itself would refuse it."""

    path: str
    problem: str
    refused: bool = True

    def __str__(self) -> str:
        return f"{self.problem} [at {self.path}]"


@dataclass(slots=True)
class Findings:
    """What a check found so far."""

    found: list[Finding] = field(default_factory=list)

    def refuse(self, path: str, problem: str) -> None:
        """Note something that Slack refuses."""
        self.found.append(Finding(path, problem))

    def complain(self, path: str, problem: str) -> None:
        """Note something that Slack accepts and people or the app suffer from."""
        self.found.append(Finding(path, problem, refused=False))


Check = Callable[[Any, str, Findings], None]


def string(longest: int, *, shortest: int = 1, among: tuple[str, ...] = ()) -> Check:
    """Make a check for a string of a length, or out of a few."""

    def check(value: object, path: str, findings: Findings) -> None:
        if not isinstance(value, str):
            findings.refuse(path, "must be a string")
        elif len(value) < shortest:
            findings.refuse(path, f"must be more than {shortest - 1} characters")
        elif len(value) > longest:
            findings.refuse(path, f"must be less than {longest + 1} characters")
        elif among and value not in among:
            findings.refuse(path, f"must be one of {', '.join(among)}")

    return check


def boolean(value: object, path: str, findings: Findings) -> None:
    """Check for true or false."""
    if not isinstance(value, bool):
        findings.refuse(path, "must be a boolean")


def integer(least: int, most: int) -> Check:
    """Make a check for a whole number within bounds."""

    def check(value: object, path: str, findings: Findings) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            findings.refuse(path, "must be an integer")
        elif not least <= value <= most:
            findings.refuse(path, f"must be between {least} and {most}")

    return check


def items(each: Check, least: int, most: int) -> Check:
    """Make a check for a list of so many things."""

    def check(value: object, path: str, findings: Findings) -> None:
        if not isinstance(value, list):
            findings.refuse(path, "must be an array")
            return
        if len(value) < least:
            findings.refuse(path, f"no fewer than {least} items allowed")
        if len(value) > most:
            findings.refuse(path, f"no more than {most} items allowed")
        for number, item in enumerate(value):
            each(item, f"{path}/{number}", findings)

    return check


def fields(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    """Make a check for an object with exactly these keys."""

    def check(value: object, path: str, findings: Findings) -> None:
        if not isinstance(value, dict):
            findings.refuse(path, "must be an object")
            return
        for key in required.keys() - value.keys():
            findings.refuse(path, f"missing required field: {key}")
        for key, inner in value.items():
            if key in required:
                required[key](inner, f"{path}/{key}", findings)
            elif key in optional:
                optional[key](inner, f"{path}/{key}", findings)
            else:
                findings.refuse(path, f"unknown field: {key}")

    return check


def text(longest: int, kinds: tuple[str, ...] = ANY_TEXT) -> Check:
    """Make a check for a text object of a length."""
    words = string(longest)
    forms = {
        "plain_text": fields({"type": string(20), "text": words}, {"emoji": boolean}),
        "mrkdwn": fields({"type": string(20), "text": words}, {"verbatim": boolean}),
    }

    def check(value: object, path: str, findings: Findings) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in kinds:
            findings.refuse(path, f"must be a text object of type {' or '.join(kinds)}")
        else:
            forms[str(kind)](value, path, findings)

    return check


def typed(table: Mapping[str, Check], what: str, allowed: tuple[str, ...] | None = None) -> Check:
    """Make a check for an object that a table knows by its type."""

    def check(value: object, path: str, findings: Findings) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in table:
            findings.refuse(path, f"unsupported type: {kind!r} is no {what}")
        elif allowed is not None and kind not in allowed:
            findings.refuse(path, f"unsupported type: {kind!r} is not allowed here")
        else:
            table[kind](value, path, findings)

    return check


def also(first: Check, *others: Check) -> Check:
    """Make a check out of several, the others only for an object."""

    def check(value: object, path: str, findings: Findings) -> None:
        first(value, path, findings)
        if isinstance(value, dict):
            for other in others:
                other(value, path, findings)

    return check


def one_of(*keys: str) -> Check:
    """Make a check for exactly one of several keys."""

    def check(value: dict[str, Any], path: str, findings: Findings) -> None:
        if sum(key in value for key in keys) != 1:
            findings.refuse(path, f"must have exactly one of {', '.join(keys)}")

    return check
