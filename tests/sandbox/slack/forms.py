"""What a person typed and picked, in the shape that Slack sends."""

import re
from typing import Any

from tests.sandbox.slack.reading import Json, readable

UNTOUCHED: dict[str, Json] = {
    "plain_text_input": {"value": None},
    "email_text_input": {"value": None},
    "url_text_input": {"value": None},
    "number_input": {"value": None},
    "static_select": {"selected_option": None},
    "external_select": {"selected_option": None},
    "radio_buttons": {"selected_option": None},
    "checkboxes": {"selected_options": []},
    "multi_static_select": {"selected_options": []},
    "users_select": {"selected_user": None},
    "multi_users_select": {"selected_users": []},
    "channels_select": {"selected_channel": None},
    "conversations_select": {"selected_conversation": None},
    "datepicker": {"selected_date": None},
    "timepicker": {"selected_time": None},
    "datetimepicker": {"selected_date_time": None},
    "file_input": {"files": []},
}
"""Every element that has a value, and that value before anybody touched it."""

ONE_OPTION = ("static_select", "external_select", "radio_buttons")
SEVERAL_OPTIONS = ("checkboxes", "multi_static_select")

_FORMS = {
    "email_text_input": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "Enter an email address."),
    "url_text_input": (r"https?://\S+", "Enter a web address that begins with http."),
    "number_input": (r"-?\d+([.,]\d+)?", "Enter a number."),
}
"""What Slack's client takes in some inputs, and what it says otherwise."""

_SEEDS = {"value": "initial_value"}


def first_value(element: Json) -> Json | None:
    """Make the value an element begins with, or None where it has no value."""
    kind = element["type"]
    if kind not in UNTOUCHED:
        return None
    ((key, empty),) = UNTOUCHED[kind].items()
    seed = _SEEDS.get(key, key.replace("selected_", "initial_"))
    return {"type": kind, key: element.get(seed, empty)}


def is_empty(value: Json) -> bool:
    """Whether nothing was typed or picked."""
    return not any(inner for key, inner in value.items() if key not in ("type", "timezone"))


def options_of(element: Json) -> list[Json]:
    """List the options of an element, those in groups included."""
    grouped = [o for group in element.get("option_groups", []) for o in group["options"]]
    return [*element.get("options", []), *grouped]


def picked_option(element: Json, label: str) -> Json:
    """Find an option by what a reader sees; fail naming those that are there."""
    for option in options_of(element):
        if label in (readable(option["text"]), option["text"]["text"]):
            return option
    seen = [readable(option["text"]) for option in options_of(element)]
    raise AssertionError(f"There is no option {label!r}; there are {seen}.")


def filled(element: Json, given: Any) -> Json:  # noqa: ANN401 - text, a label, or several
    """Make the value of an element that somebody typed or picked something in."""
    kind = element["type"]
    ((key, _),) = UNTOUCHED[kind].items()
    if given in (None, ""):
        return {"type": kind} | UNTOUCHED[kind]
    if kind in ONE_OPTION:
        given = picked_option(element, given)
    elif kind in SEVERAL_OPTIONS:
        labels = [given] if isinstance(given, str) else given
        given = [picked_option(element, label) for label in labels]
    return {"type": kind, key: given}


def pointed(element: Json, given: Any, offered: list[Json] | None = None) -> Json:  # noqa: ANN401 - by element
    """Make the value of an element from what a page sends: options go by their values.

    `offered` are the options that the app suggested, for a menu that asks it.
    """
    kind = element["type"]
    ((key, _),) = UNTOUCHED[kind].items()
    if given in (None, "", []):
        return {"type": kind} | UNTOUCHED[kind]
    by_value = {option["value"]: option for option in [*options_of(element), *(offered or [])]}
    if kind in ONE_OPTION:
        given = by_value[given]
    elif kind in SEVERAL_OPTIONS:
        given = [by_value[each] for each in given]
    return {"type": kind, key: given}


def complaint(block: Json, value: Json) -> str | None:
    """Say why Slack's own client would not send this input, if so."""
    if is_empty(value):
        return None if block.get("optional") else "Please complete this required field."
    element, typed = block["element"], value.get("value")
    if element["type"] in _FORMS:
        form, words = _FORMS[element["type"]]
        return None if re.fullmatch(form, str(typed).strip()) else words
    if element["type"] != "plain_text_input":
        return None
    if len(typed or "") < element.get("min_length", 0):
        return f"This must be at least {element['min_length']} characters long."
    if len(typed or "") > element.get("max_length", 3000):
        return f"This must be at most {element.get('max_length', 3000)} characters long."
    return None
