"""Words and block elements are drawn as text."""

import re
from collections.abc import Mapping
from typing import Any

from tests.sandbox.slack.forms import options_of
from tests.sandbox.slack.members import Directory
from tests.sandbox.slack.reading import Json, unescaped

_REFERENCE = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")


class Drawing:
    """What a block is drawn with: the names of people, and what stands in the inputs."""

    def __init__(self, directory: Directory, values: Mapping[tuple[str, str], Json]) -> None:
        self._directory = directory
        self._values = values

    def words(self, text: Json | None) -> str:
        """Draw a text object, its mentions and links resolved."""
        if text is None:
            return ""
        if text["type"] == "plain_text":
            return unescaped(str(text["text"]))
        return self.mrkdwn(str(text["text"]))

    def mrkdwn(self, text: str) -> str:
        """Draw text with Slack's mark-up."""
        return unescaped(_REFERENCE.sub(self._reference, text))

    def called(self, some_id: str) -> str:
        """Say the name behind an id."""
        return self._directory.called(some_id)

    def value(self, block: Json, element: Json) -> Json:
        """Say what stands in an element."""
        return self._values.get((block.get("block_id", ""), element.get("action_id", "")), {})

    def _reference(self, match: re.Match[str]) -> str:
        mark, target, label = match.groups()
        if mark in ("@", "#"):
            return self.called(target)
        if mark == "":
            return f"{label} ({target})" if label else target
        if target.startswith("subteam^"):
            return self.called(target.removeprefix("subteam^"))
        # What else has a mark: <!here>, or <!date^…|fallback>.
        return label or f"@{target}"


def draw_element(block: Json, element: Json, drawing: Drawing) -> list[str]:
    """Draw a button, a menu or an input, with what stands in it."""
    kind = element["type"]
    value = drawing.value(block, element)
    if kind in ("button", "overflow", "image"):
        return [_pressable(element, drawing)]
    if kind in ("radio_buttons", "checkboxes"):
        return _choices(element, value, drawing)
    if kind == "file_input":
        names = [file.get("name", file["id"]) for file in value.get("files", [])]
        return [f"[ {', '.join(names) or 'Attach a file'} ]"]
    shown = _shown(value, drawing) or drawing.words(element.get("placeholder"))
    if kind.endswith(("_select", "picker")):
        return [f"[ {shown or 'Select an option'} ▾ ]"]
    return [f"[ {line} ]" for line in (shown or "").ljust(24).split("\n")]


def _pressable(element: Json, drawing: Drawing) -> str:
    if element["type"] == "image":
        return f"( {element['alt_text']} )"
    if element["type"] == "button":
        return f"[ {drawing.words(element['text'])} ]"
    return f"[ ⋯ {' / '.join(drawing.words(o['text']) for o in element['options'])} ]"


def _choices(element: Json, value: Json, drawing: Drawing) -> list[str]:
    picked = value.get("selected_options") or [value.get("selected_option")]
    on, off = ("(•)", "( )") if element["type"] == "radio_buttons" else ("[x]", "[ ]")
    lines = []
    for option in options_of(element):
        lines.append(f"{on if option in picked else off} {drawing.words(option['text'])}")
        if "description" in option:
            lines.append(f"    {drawing.words(option['description'])}")
    return lines


def _shown(value: Json, drawing: Drawing) -> str:
    """Say in words what stands in an element."""
    for key, inner in value.items():
        if key != "type" and inner:
            several = inner if isinstance(inner, list) else [inner]
            return ", ".join(_one_shown(key, each, drawing) for each in several)
    return ""


def _one_shown(key: str, value: Any, drawing: Drawing) -> str:  # noqa: ANN401 - by element
    if isinstance(value, dict):
        return drawing.words(value["text"])
    if key.startswith(("selected_user", "selected_channel", "selected_conversation")):
        return drawing.called(str(value))
    return str(value)
