"""The table of block elements: their keys, lengths and counts."""

from typing import Any

from tests.sandbox.slack.rules import (
    ANY_TEXT,
    PLAIN,
    Check,
    Findings,
    also,
    boolean,
    fields,
    integer,
    items,
    one_of,
    string,
    text,
)

ID = string(255)
URL = string(3000)
ALT_TEXT = string(2000)
STYLE = string(20, among=("primary", "danger"))
SLACK_FILE = also(fields({}, {"id": string(255), "url": URL}), one_of("id", "url"))

CONFIRM = fields(
    {
        "title": text(100, PLAIN),
        "text": text(300),
        "confirm": text(30, PLAIN),
        "deny": text(30, PLAIN),
    },
    {"style": STYLE},
)

_DISPATCH = fields(
    {
        "trigger_actions_on": items(
            string(50, among=("on_enter_pressed", "on_character_entered")), 1, 2
        )
    },
    {},
)


def _option(kinds: tuple[str, ...] = PLAIN, longest: int = 75, **more: Check) -> Check:
    return fields(
        {"text": text(longest, kinds), "value": string(150)},
        {"description": text(75, kinds)} | more,
    )


_OPTION = _option()
_CHOICE = _option(ANY_TEXT)
_GROUP = fields({"label": text(75, PLAIN), "options": items(_OPTION, 1, 100)}, {})

OFFERED = also(
    fields({}, {"options": items(_OPTION, 0, 100), "option_groups": items(_GROUP, 0, 100)}),
    one_of("options", "option_groups"),
)
"""What an app answers a menu that asks it."""


def _named(value: dict[str, Any], path: str, findings: Findings) -> None:
    if "action_id" not in value:
        findings.complain(path, "an element without action_id reaches no listener")


def _element(required: dict[str, Check], optional: dict[str, Check], *checks: Check) -> Check:
    return _entry(required, optional | {"confirm": CONFIRM}, *checks)


def _entry(required: dict[str, Check], optional: dict[str, Check], *checks: Check) -> Check:
    """Make the check of an element without a dialog, such as a text input."""
    shared: dict[str, Check] = {"type": string(50), "action_id": ID}
    return also(fields(required, shared | optional), _named, *checks)


def _initial_is_offered(value: dict[str, Any], path: str, findings: Findings) -> None:
    offered = _listed(value.get("options"))
    for group in _listed(value.get("option_groups")):
        offered = offered + (_listed(group.get("options")) if isinstance(group, dict) else [])
    initial = _listed(value.get("initial_options"))
    if "initial_option" in value:
        initial = [value["initial_option"]]
    if any(option not in offered for option in initial):
        findings.refuse(path, "an initial option must be one of the options")


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - whatever the app sent
    return value if isinstance(value, list) else []


_FOCUS: dict[str, Check] = {"focus_on_load": boolean}
_PICK: dict[str, Check] = {"placeholder": text(150, PLAIN)} | _FOCUS
_STATIC = _PICK | {"options": items(_OPTION, 1, 100), "option_groups": items(_GROUP, 1, 100)}
_SEVERAL: dict[str, Check] = {"max_selected_items": integer(1, 100)}
_ID = string(50)
_IDS = items(_ID, 1, 100)
_OPTIONS_OR_GROUPS = one_of("options", "option_groups")
_CONVERSATIONS: dict[str, Check] = {
    "default_to_current_conversation": boolean,
    "response_url_enabled": boolean,
    "filter": fields(
        {},
        {
            "include": items(string(20), 1, 4),
            "exclude_external_shared_channels": boolean,
            "exclude_bot_users": boolean,
        },
    ),
}


_ENTRY = _PICK | {"initial_value": string(3000), "dispatch_action_config": _DISPATCH}
_LENGTH = integer(0, 3000)


def _bounds(value: dict[str, Any], path: str, findings: Findings) -> None:
    least, most = value.get("min_length", 0), value.get("max_length", 3000)
    if isinstance(least, int) and isinstance(most, int) and least > most:
        findings.refuse(path, "min_length must not be greater than max_length")


IMAGE_KEYS: dict[str, Check] = {"image_url": URL, "slack_file": SLACK_FILE}

ELEMENTS: dict[str, Check] = {
    "button": _element(
        {"text": text(75, PLAIN)},
        {
            "url": URL,
            "value": string(2000),
            "style": STYLE,
            "accessibility_label": string(75),
            "visible_to_user_ids": items(string(50), 1, 100),
        },
    ),
    "image": also(
        fields({"type": string(50), "alt_text": ALT_TEXT}, IMAGE_KEYS),
        one_of("image_url", "slack_file"),
    ),
    "overflow": _element({"options": items(_option(url=URL), 2, 5)}, {}),
    "static_select": _element(
        {}, _STATIC | {"initial_option": _OPTION}, _OPTIONS_OR_GROUPS, _initial_is_offered
    ),
    "multi_static_select": _element(
        {},
        _STATIC | _SEVERAL | {"initial_options": items(_OPTION, 1, 100)},
        _OPTIONS_OR_GROUPS,
        _initial_is_offered,
    ),
    "external_select": _element(
        {}, _PICK | {"initial_option": _OPTION, "min_query_length": integer(0, 1000)}
    ),
    "users_select": _element({}, _PICK | {"initial_user": _ID}),
    "multi_users_select": _element({}, _PICK | _SEVERAL | {"initial_users": _IDS}),
    "channels_select": _element(
        {}, _PICK | {"initial_channel": _ID, "response_url_enabled": boolean}
    ),
    "conversations_select": _element({}, _PICK | _CONVERSATIONS | {"initial_conversation": _ID}),
    "datepicker": _element({}, _PICK | {"initial_date": string(10, shortest=10)}),
    "timepicker": _element(
        {}, _PICK | {"initial_time": string(5, shortest=5), "timezone": string(100)}
    ),
    "datetimepicker": _element({}, _FOCUS | {"initial_date_time": integer(10**9, 10**10)}),
    "checkboxes": _element(
        {"options": items(_CHOICE, 1, 10)},
        _FOCUS | {"initial_options": items(_CHOICE, 1, 10)},
        _initial_is_offered,
    ),
    "radio_buttons": _element(
        {"options": items(_CHOICE, 1, 10)},
        _FOCUS | {"initial_option": _CHOICE},
        _initial_is_offered,
    ),
    "plain_text_input": _entry(
        {},
        _ENTRY | {"multiline": boolean, "min_length": _LENGTH, "max_length": integer(1, 3000)},
        _bounds,
    ),
    "email_text_input": _entry({}, _ENTRY),
    "url_text_input": _entry({}, _ENTRY),
    "number_input": _entry(
        {"is_decimal_allowed": boolean}, _ENTRY | {"min_value": _ID, "max_value": _ID}
    ),
    "file_input": _entry({}, {"filetypes": items(_ID, 1, 100), "max_files": integer(1, 10)}),
}
