"""A story in steps, told twice: to a terminal as it happens, and as Markdown afterwards."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TextIO

WIDTH = 100
INDENT = "  "

_EMOJI = {
    ":white_check_mark:": "✅",
    ":warning:": "⚠️",
    ":arrows_counterclockwise:": "🔄",
    ":rotating_light:": "🚨",
    ":calendar:": "📅",
    ":zzz:": "💤",
    ":raised_hand:": "✋",
    ":handshake:": "🤝",
    ":arrow_right:": "➡️",
    ":mag:": "🔍",
}
_FIELD = re.compile(r"^  \*([^*\n]+)\*\n  (?=\S)", re.MULTILINE)
_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_START = re.compile(r"(?:  ┆ )*(?:│ )?\s*(?:(?:[•·>]|\d+\.) +)?")
_MARK = re.compile(r"[•·>\d.]")

_CHANGING = (
    (re.compile(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}"), "«fingerprint»"),
    (re.compile(r"(?:[0-9A-F]{2}:){7}[0-9A-F]{2}…"), "«fingerprint»…"),
    (re.compile(r"\b[0-9A-F]{32}\b"), "«server's id»"),
    (re.compile(r"\b\d+:[0-9a-f]{64}\b"), "«number»:«hash»"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ"), "«time»"),
    (re.compile(r"\b\d\d:\d\d \(UTC\)"), "«time» (UTC)"),
    (re.compile(r"\b\d+\.\d s\b"), "«number» s"),
    (re.compile(r"\b\d+ ms\b"), "«number» ms"),
    (re.compile(r"\b\d+ min\b"), "«number» min"),
    (re.compile(r"-[0-9a-f]{8}\.pem\b"), "-«id».pem"),
    (re.compile(r"\([0-9a-f]{8}\)"), "(«id»)"),
    (re.compile(r"\b0x[0-9a-f]{16}\b"), "«serial number»"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "«id»"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:«port»"),
    (re.compile(r"\b[UFC]0\d{9}\b"), "«id»"),
)
"""What differs from run to run, and what stands in its place in the Markdown."""

NOTE = (
    "`make tour` acts this story out in a terminal. What differs from run to run is written «like "
    "this»; `python -m tests.sandbox tour --write docs/tour.md` writes the page anew."
)


class Kind(StrEnum):
    """What a part of the story is."""

    ACT = "act"
    """The heading of an act."""

    STEP = "step"
    """The heading of a step."""

    WORDS = "words"
    """A sentence of the narrator's."""

    SCREEN = "screen"
    """What somebody sees or types, line by line."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part, as it happened."""

    kind: Kind
    text: str


@dataclass(kw_only=True)
class Story:
    """Everything told so far."""

    title: str
    out: TextIO
    parts: list[Part] = field(default_factory=list)
    steps: int = 0
    where: str = "before the first step"
    """The heading that was printed last."""

    def begin(self) -> None:
        """Print the title."""
        self._print(self.title, "═" * len(self.title))

    def act(self, heading: str) -> None:
        """Begin the next act."""
        self._add(Kind.ACT, heading)

    def step(self, heading: str) -> None:
        """Begin the next numbered step."""
        self.steps += 1
        self.heading(f"{self.steps}. {heading}")

    def heading(self, heading: str) -> None:
        """Begin a part that has no number."""
        self.where = f"in “{heading}”"
        self._add(Kind.STEP, heading)

    def tell(self, sentence: str) -> None:
        """Say what somebody does, or what happens where nobody looks."""
        self._add(Kind.WORDS, sentence)

    def show(self, sentence: str, screen: str) -> None:
        """Say who sees or types something, and show it."""
        self.tell(sentence)
        self._add(Kind.SCREEN, as_seen(screen))

    def markdown(self) -> str:
        """The whole story, the same from run to run."""
        sections = [f"# {self.title}", NOTE]
        sections += [_markdown(Part(part.kind, self._steady(part.text))) for part in self.parts]
        return "\n\n".join(sections) + "\n"

    def _add(self, kind: Kind, text: str) -> None:
        self.parts.append(Part(kind, text))
        match kind:
            case Kind.ACT:
                self._print("", "", text, "═" * len(text))
            case Kind.STEP:
                self._print("", "", text, "─" * len(text))
            case Kind.WORDS:
                self._print("", *wrapped(text, WIDTH))
            case Kind.SCREEN:
                lines = wrapped(text, WIDTH - len(INDENT))
                self._print("", *(f"{INDENT}{line}".rstrip() for line in lines))

    def _print(self, *lines: str) -> None:
        # Flushed, so that a reader behind a pipe sees each step when it happens.
        print(*lines, sep="\n", file=self.out, flush=True)

    def _steady(self, text: str) -> str:
        for pattern, stand_in in _CHANGING:
            text = pattern.sub(stand_in, text)
        return text


def as_seen(text: str) -> str:
    """Draw Slack's markup as a reader sees it: bold without its stars, emoji as pictures.

    A field's label stands before its value, not above it, which keeps a card on one page.
    """
    for name, picture in _EMOJI.items():
        text = text.replace(name, picture)
    return _BOLD.sub(r"\1", _FIELD.sub(r"  \1: ", text))


def wrapped(text: str, width: int) -> list[str]:
    """Break lines that are too long; what follows stands under the line's own beginning."""
    return [part for line in text.split("\n") for part in _wrapped_line(line, width)]


def _wrapped_line(line: str, width: int) -> Iterator[str]:
    found = _START.match(line)
    first = found.group() if found else ""
    following = _MARK.sub(" ", first)
    yield from textwrap.wrap(
        line[len(first) :],
        width,
        initial_indent=first,
        subsequent_indent=following,
        break_on_hyphens=False,
    ) or [line.rstrip()]


def _markdown(part: Part) -> str:
    match part.kind:
        case Kind.ACT:
            return f"## {part.text}"
        case Kind.STEP:
            return f"### {part.text}"
        case Kind.WORDS:
            return part.text
        case Kind.SCREEN:
            return "\n".join(["```text", *wrapped(part.text, WIDTH), "```"])
