"""The table of blocks: their keys, lengths, counts and surfaces."""

from typing import Any

from tests.sandbox.slack.elements import ALT_TEXT, ELEMENTS, ID, IMAGE_KEYS
from tests.sandbox.slack.rules import (
    ANY_TEXT,
    PLAIN,
    Check,
    Findings,
    also,
    boolean,
    fields,
    items,
    one_of,
    string,
    text,
    typed,
)

SURFACES = {"alert": ("modal",), "markdown": ("message",), "table": ("message",)}
"""Where a block may stand, if not everywhere."""

_MENUS = ("static_select", "external_select", "users_select", "channels_select")
_PICKERS = (
    *_MENUS,
    "conversations_select",
    "datepicker",
    "timepicker",
    "checkboxes",
    "radio_buttons",
)
_MULTI = ("multi_static_select", "multi_users_select")
_ENTRIES = ("plain_text_input", "email_text_input", "url_text_input", "number_input", "file_input")

_ACCESSORY = typed(ELEMENTS, "element", ("button", "image", "overflow", *_PICKERS, *_MULTI))
_ACTION = typed(ELEMENTS, "element", ("button", "overflow", "datetimepicker", *_PICKERS))
_INPUT = typed(ELEMENTS, "element", ("datetimepicker", *_ENTRIES, *_PICKERS, *_MULTI))


def _context_item(value: Any, path: str, findings: Findings) -> None:  # noqa: ANN401 - a Check
    kind = value.get("type") if isinstance(value, dict) else None
    check = text(3000) if kind in ANY_TEXT else typed(ELEMENTS, "element", ("image",))
    check(value, path, findings)


def _says_something(value: dict[str, Any], path: str, findings: Findings) -> None:
    if "text" not in value and "fields" not in value:
        findings.refuse(path, "a section needs text or fields")


def _block(required: dict[str, Check], optional: dict[str, Check], *checks: Check) -> Check:
    return also(fields(required, {"type": string(50), "block_id": ID} | optional), *checks)


_STYLE = fields({}, dict.fromkeys(("bold", "italic", "strike", "code"), boolean))
_KIND: dict[str, Check] = {"type": string(30)}
_INLINE: dict[str, Check] = {
    "text": fields({"text": string(3000)} | _KIND, {"style": _STYLE}),
    "link": fields({"url": string(3000)} | _KIND, {"text": string(3000), "style": _STYLE}),
    "user": fields({"user_id": string(20)} | _KIND, {"style": _STYLE}),
    "usergroup": fields({"usergroup_id": string(20)} | _KIND, {"style": _STYLE}),
    "channel": fields({"channel_id": string(20)} | _KIND, {"style": _STYLE}),
    "emoji": fields({"name": string(100)} | _KIND, {"unicode": string(100)}),
}
_PARTS: dict[str, Check] = {"elements": items(typed(_INLINE, "rich text"), 0, 1000)}
_SECTION = {"rich_text_section": fields(_PARTS | _KIND, {})}
_RICH: dict[str, Check] = _SECTION | {
    "rich_text_quote": fields(_PARTS | _KIND, {}),
    "rich_text_preformatted": fields(_PARTS | _KIND, {}),
    "rich_text_list": fields(
        {
            "elements": items(typed(_SECTION, "rich text"), 1, 1000),
            "style": string(10, among=("bullet", "ordered")),
        }
        | _KIND,
        {},
    ),
}
_RICH_TEXT = _block({"elements": items(typed(_RICH, "rich text"), 1, 1000)}, {})

_CELLS: dict[str, Check] = {
    "raw_text": fields({"text": string(3000)} | _KIND, {}),
    "rich_text": _RICH_TEXT,
}
_COLUMN = fields(
    {}, {"align": string(10, among=("left", "center", "right")), "is_wrapped": boolean}
)

BLOCKS: dict[str, Check] = {
    "section": _block(
        {},
        {
            "text": text(3000),
            "fields": items(text(2000), 1, 10),
            "accessory": _ACCESSORY,
            "expand": boolean,
        },
        _says_something,
    ),
    "header": _block({"text": text(150, PLAIN)}, {}),
    "context": _block({"elements": items(_context_item, 1, 10)}, {}),
    "actions": _block({"elements": items(_ACTION, 1, 25)}, {}),
    "divider": _block({}, {}),
    "image": _block(
        {"alt_text": ALT_TEXT},
        {"title": text(2000, PLAIN)} | IMAGE_KEYS,
        one_of("image_url", "slack_file"),
    ),
    "input": _block(
        {"label": text(2000, PLAIN), "element": _INPUT},
        {"hint": text(2000, PLAIN), "optional": boolean, "dispatch_action": boolean},
    ),
    "alert": _block(
        {"text": text(3000)},
        {"level": string(10, among=("default", "info", "warning", "error", "success"))},
    ),
    "markdown": _block({"text": string(12_000)}, {}),
    "rich_text": _RICH_TEXT,
    "table": _block(
        {"rows": items(items(typed(_CELLS, "cell"), 1, 20), 1, 100)},
        {"column_settings": items(_COLUMN, 1, 20)},
    ),
}
