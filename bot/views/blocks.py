"""Block Kit, as plain dictionaries: the few blocks that our surfaces are made of.

Source: Slack's Block Kit reference. `slack_sdk.models` is not used: it lets duplicate ids, inputs
without a submit button and misspelt keywords pass.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]
View = dict[str, Any]

TEXT_LENGTH = 4000
SECTION_LENGTH = 3000
INPUT_LENGTH = 3000
FIELD_LENGTH = 2000
OPTION_LENGTH = 75
TITLE_LENGTH = 24
HALF = re.compile(r"(<[^<>]*|&[a-z]{0,3})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message: its blocks, and its text for notifications and screen readers."""

    text: str
    blocks: list[Block]
    urgent: bool = False
    """Whether a reply in a thread shows in the channel too."""

    def __post_init__(self) -> None:
        """Cut the text where Slack would refuse it."""
        object.__setattr__(self, "text", cut(self.text, TEXT_LENGTH))


def plain(text: str) -> Block:
    """A text object without markup."""
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn(text: str) -> Block:
    """A text object with Slack's markup; outside text in it is escaped before.

    Verbatim: Slack makes links and mentions of what is written as such, not of what looks so.
    """
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def cut(text: str, length: int) -> str:
    """The text, its end replaced by … where it is too long; never within a mention or a mark."""
    return text if len(text) <= length else f"{HALF.sub('', text[: length - 1])}…"


def header(text: str) -> Block:
    """A large line; takes no markup."""
    return {"type": "header", "text": plain(cut(text, 150))}


def section(text: str, *, block_id: str | None = None) -> Block:
    """A paragraph in mrkdwn."""
    block: Block = {"type": "section", "text": mrkdwn(cut(text, SECTION_LENGTH))}
    return block | {"block_id": block_id} if block_id else block


def facts(pairs: Sequence[tuple[str, str]]) -> Block:
    """Up to ten labelled values side by side, in mrkdwn."""
    texts = [cut(f"*{label}*\n{value}", FIELD_LENGTH) for label, value in pairs]
    return {"type": "section", "fields": [mrkdwn(text) for text in texts]}


def context(text: str) -> Block:
    """A small line in mrkdwn."""
    return {"type": "context", "elements": [mrkdwn(cut(text, SECTION_LENGTH))]}


def divider() -> Block:
    """A thin line."""
    return {"type": "divider"}


def actions(*buttons: Block, block_id: str) -> Block:
    """A row of buttons."""
    return {"type": "actions", "block_id": block_id, "elements": list(buttons)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """What Slack asks before it sends a click."""

    title: str
    text: str
    yes: str


def button(
    text: str,
    action_id: str,
    value: str,
    *,
    style: str | None = None,
    confirm: Confirm | None = None,
    seen_by: Sequence[str] | None = None,
) -> Block:
    """A button whose value is an id, never a fact; `seen_by` hides it from everybody else."""
    element: Block = {
        "type": "button",
        "text": plain(text),
        "action_id": action_id,
        "value": value,
    }
    if style is not None:
        element["style"] = style
    if seen_by is not None:
        element["visible_to_user_ids"] = list(seen_by)
    if confirm is not None:
        element["confirm"] = {
            "title": plain(confirm.title),
            "text": plain(cut(confirm.text, 300)),
            "confirm": plain(confirm.yes),
            "deny": plain("Back"),
        }
    return element


def option(text: str, value: str) -> Block:
    """One choice of a menu or a row of boxes."""
    return {"text": plain(cut(text, OPTION_LENGTH)), "value": value}


def field(
    block_id: str, label: str, element: Block, *, hint: str | None = None, optional: bool = False
) -> Block:
    """A form's field; its element's action_id is the block's id."""
    if "initial_value" in element:
        element = element | {"initial_value": element["initial_value"][:INPUT_LENGTH]}
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": {**element, "action_id": block_id},
        "optional": optional,
    }
    return block | {"hint": plain(hint)} if hint else block


def modal(title: str, blocks: list[Block], **more: Any) -> View:  # noqa: ANN401 - Slack's own keys
    """A form or a page over the conversation."""
    view: View = {
        "type": "modal",
        "title": plain(cut(title, TITLE_LENGTH)),
        "blocks": blocks,
        "close": plain("Close"),
    }
    return view | more


def page(title: str, text: str) -> View:
    """A modal that only says something."""
    return modal(title, [section(text)])
