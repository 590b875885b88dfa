"""Blocks are walked here: their texts, their elements, their buttons."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

TEXT_TYPES = ("plain_text", "mrkdwn")


@dataclass(frozen=True, slots=True)
class Button:
    """A button that somebody sees, or an entry of an overflow menu."""

    text: str
    block_id: str
    element: Json
    option: Json | None = None

    @property
    def action_id(self) -> str:
        """The id its listener is registered under."""
        return str(self.element.get("action_id", ""))

    @property
    def value(self) -> str | None:
        """What the app put into the button."""
        value = (self.option or self.element).get("value")
        return None if value is None else str(value)

    @property
    def url(self) -> str | None:
        """Where a link button leads."""
        url = (self.option or self.element).get("url")
        return None if url is None else str(url)

    @property
    def confirm(self) -> Json | None:
        """Slack's own dialog that asks before the click is sent."""
        return self.element.get("confirm")


def elements_of(block: Json) -> Iterator[Json]:
    """Yield the elements of a block that one can press, fill or look at."""
    single = [block.get("accessory"), block.get("element")]
    many = block.get("elements") if block.get("type") in ("actions", "context") else []
    for element in [*single, *(many if isinstance(many, list) else [])]:
        if isinstance(element, dict) and element.get("type") not in TEXT_TYPES:
            yield element


def buttons_of(blocks: list[Json], user_id: str | None = None) -> list[Button]:
    """List the buttons one sees; a user id leaves out what is shown to others only."""
    found = []
    for block in blocks:
        block_id = str(block.get("block_id", ""))
        for element in elements_of(block):
            if user_id not in (None, *element.get("visible_to_user_ids", [user_id])):
                continue
            if element["type"] == "button":
                found.append(Button(readable(element["text"]), block_id, element))
            if element["type"] == "overflow":
                entries = element["options"]
                found += [Button(readable(o["text"]), block_id, element, o) for o in entries]
    return found


def texts_of(blocks: list[Json]) -> list[str]:
    """List all texts of blocks in reading order, as the app sent them."""
    return list(_texts(blocks))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a block
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("text", "alt_text") and isinstance(inner, str):
                yield inner
            elif key != "confirm":
                yield from _texts(inner)


def unescaped(words: str) -> str:
    """Give the three characters back that are escaped in Slack's texts."""
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def readable(text: Json) -> str:
    """Say what a reader sees of a short text object."""
    words = unescaped(str(text.get("text", "")))
    if text.get("type") == "mrkdwn":
        words = re.sub(r"(?<!\w)([*_~`])(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2", words)
    return words


def completed(blocks: list[Json], new_id: Any) -> list[Json]:  # noqa: ANN401 - a maker of ids
    """Copy blocks as Slack stores them: each with an id, each text with its defaults."""
    stored: list[Json] = []
    for block in blocks:
        copy = _with_defaults(block)
        copy.setdefault("block_id", new_id())
        for element in elements_of(copy):
            if element["type"] != "image":
                element.setdefault("action_id", new_id())
        stored.append(copy)
    return stored


def _with_defaults(value: Any) -> Any:  # noqa: ANN401 - any part of a block
    if isinstance(value, list):
        return [_with_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: _with_defaults(inner) for key, inner in value.items()}
    if copy.get("type") == "plain_text":
        copy.setdefault("emoji", True)
    if copy.get("type") == "mrkdwn":
        copy.setdefault("verbatim", False)
    return copy
