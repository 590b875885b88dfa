"""The block linter knows what Slack refuses, and every block it lets through is drawn."""

from typing import Any

import pytest

from tests.sandbox.slack.block_rules import BLOCKS
from tests.sandbox.slack.drawing import Drawing
from tests.sandbox.slack.elements import ELEMENTS
from tests.sandbox.slack.linter import lint_message, lint_view
from tests.sandbox.slack.members import Directory
from tests.sandbox.slack.reading import elements_of
from tests.sandbox.slack.render import BLOCKS as DRAWN
from tests.sandbox.slack.render import draw_blocks

Block = dict[str, Any]


def plain(length: int = 4) -> Block:
    return {"type": "plain_text", "text": "x" * length}


def option(value: str = "v") -> Block:
    return {"text": plain(), "value": value}


def section(**more: Any) -> Block:  # noqa: ANN401 - parts of a block
    return {"type": "section", "text": {"type": "mrkdwn", "text": "words"}, **more}


def button(**more: Any) -> Block:  # noqa: ANN401 - parts of an element
    return {"type": "button", "action_id": "go", "text": plain(), **more}


def actions(*elements: Block, **more: Any) -> Block:  # noqa: ANN401 - parts of a block
    return {"type": "actions", "elements": list(elements), **more}


def field(element: Block, **more: Any) -> Block:  # noqa: ANN401 - parts of a block
    named = {"action_id": "a", **element}
    return {"type": "input", "label": plain(), "element": named, **more}


def modal(*blocks: Block, **more: Any) -> Block:  # noqa: ANN401 - parts of a view
    return {"type": "modal", "title": plain(), "submit": plain(), "blocks": list(blocks), **more}


MENU: Block = {"type": "static_select", "action_id": "m", "options": [option()]}
TEXT: Block = {"type": "plain_text_input"}
FILE: Block = {"type": "file_input"}
RICH: Block = {
    "type": "rich_text",
    "elements": [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "words"}]},
        {
            "type": "rich_text_list",
            "style": "ordered",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U1"}]}
            ],
        },
    ],
}
GOOD_IN_MESSAGES: dict[str, Block] = {
    "section": section(fields=[plain(2000)] * 10, accessory=button()),
    "header": {"type": "header", "text": plain(150)},
    "context": {
        "type": "context",
        "elements": [plain(), {"type": "image", "image_url": "https://x/", "alt_text": "x"}],
    },
    "actions": actions(button(style="danger"), MENU),
    "divider": {"type": "divider"},
    "image": {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "A time line"},
    "input": field(TEXT),
    "markdown": {"type": "markdown", "text": "# Hello"},
    "rich_text": RICH,
    "table": {"type": "table", "rows": [[{"type": "raw_text", "text": "HQ"}, RICH]]},
}
GOOD_IN_MODALS: dict[str, Block] = {
    "alert": {"type": "alert", "level": "warning", "text": plain()},
}
GOOD_ELEMENTS: dict[str, Block] = {
    **{
        kind: {"type": kind}
        for kind in ELEMENTS
        if kind.endswith(("_select", "picker", "_input")) and kind != "number_input"
    },
    "number_input": {"type": "number_input", "is_decimal_allowed": False},
    "button": button(),
    "image": {"type": "image", "image_url": "https://x/", "alt_text": "x"},
    "overflow": {"type": "overflow", "action_id": "o", "options": [option("1"), option("2")]},
    "static_select": MENU,
    "multi_static_select": {**MENU, "type": "multi_static_select"},
    "radio_buttons": {"type": "radio_buttons", "options": [option()]},
    "checkboxes": {"type": "checkboxes", "options": [option()]},
}

REFUSED_IN_MESSAGES: dict[str, list[Block]] = {
    "too many blocks": [{"type": "divider"}] * 51,
    "a long section": [section(text=plain(3001))],
    "a long field": [section(fields=[plain(2001)])],
    "11 fields": [section(fields=[plain()] * 11)],
    "an empty text": [section(text=plain(0))],
    "a section that says nothing": [{"type": "section"}],
    "a long header": [{"type": "header", "text": plain(151)}],
    "mark-up in a header": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "26 buttons": [actions(*[button(action_id=f"b{n}") for n in range(26)])],
    "a long button": [actions(button(text=plain(76)))],
    "a long value": [actions(button(value="x" * 2001))],
    "a made-up style": [actions(button(style="green"))],
    "an unknown key": [section(colour="red")],
    "an unknown block": [{"type": "teaser"}],
    "the same block_id twice": [section(block_id="b"), section(block_id="b")],
    "the same action_id twice in a block": [actions(button(), button())],
    "a long block_id": [section(block_id="x" * 256)],
    "no options": [actions({**MENU, "options": []})],
    "101 options": [actions({**MENU, "options": [option(str(n)) for n in range(101)]})],
    "a long option": [actions({**MENU, "options": [{"text": plain(76), "value": "v"}]})],
    "an initial option that is not there": [actions({**MENU, "initial_option": option("w")})],
    "an input in actions": [actions({**TEXT, "action_id": "a"})],
    "an alert": [GOOD_IN_MODALS["alert"]],
    "a file input": [field(FILE)],
    "two tables": [GOOD_IN_MESSAGES["table"]] * 2,
    "an image without words": [{"type": "image", "image_url": "https://x/"}],
    "a confirm dialog with a long title": [
        actions(
            button(
                confirm={"title": plain(101), "text": plain(), "confirm": plain(), "deny": plain()}
            )
        )
    ],
}
REFUSED_VIEWS: dict[str, Block] = {
    "an input without submit": {k: v for k, v in modal(field(TEXT)).items() if k != "submit"},
    "a long title": modal(section(), title=plain(25)),
    "no blocks": modal(),
    "101 blocks": modal(*[{"type": "divider"}] * 101),
    "markdown": modal(GOOD_IN_MESSAGES["markdown"]),
    "11 files": modal(field({**FILE, "max_files": 11})),
    "two inputs in focus": modal(*[field({**TEXT, "focus_on_load": True}) for _ in range(2)]),
    "an unknown key": modal(section(), colour="red"),
    "no title": {"type": "modal", "blocks": [section()]},
    "a home tab": {"type": "home", "blocks": [section()]},
}


@pytest.mark.parametrize("blocks", REFUSED_IN_MESSAGES.values(), ids=REFUSED_IN_MESSAGES)
def test_it_refuses_messages_with(blocks: list[Block]) -> None:
    assert any(finding.refused for finding in lint_message(blocks))


@pytest.mark.parametrize("view", REFUSED_VIEWS.values(), ids=REFUSED_VIEWS)
def test_it_refuses_modals_with(view: Block) -> None:
    assert any(finding.refused for finding in lint_view(view))


@pytest.mark.parametrize("block", GOOD_IN_MESSAGES.values(), ids=GOOD_IN_MESSAGES)
def test_it_lets_pass_and_draws_in_messages(block: Block) -> None:
    assert lint_message([block]) == []
    assert draw_blocks([block], Drawing(Directory({}, {}, {}), {}))


@pytest.mark.parametrize("block", GOOD_IN_MODALS.values(), ids=GOOD_IN_MODALS)
def test_it_lets_pass_and_draws_in_modals(block: Block) -> None:
    assert lint_view(modal(block)) == []
    assert draw_blocks([block], Drawing(Directory({}, {}, {}), {}))


@pytest.mark.parametrize("kind", sorted(ELEMENTS))
def test_it_lets_pass_and_draws_an_element(kind: str) -> None:
    element = GOOD_ELEMENTS[kind]
    in_section = kind in ("button", "image", "overflow")
    block = section(accessory=element) if in_section else field(element)
    assert lint_view(modal(block)) == []
    assert [found["type"] for found in elements_of(block)] == [kind]
    assert draw_blocks([block], Drawing(Directory({}, {}, {}), {}))


def test_every_block_it_knows_has_an_example_and_a_drawing() -> None:
    assert BLOCKS.keys() == GOOD_IN_MESSAGES.keys() | GOOD_IN_MODALS.keys() == DRAWN.keys()


def test_a_button_without_action_id_is_no_error_at_slack_but_a_complaint_here() -> None:
    (finding,) = lint_message([actions({"type": "button", "text": plain()})])
    assert not finding.refused
    assert "reaches no listener" in str(finding)


def test_an_alert_is_allowed_in_modals_only() -> None:
    home = {"type": "home", "blocks": [GOOD_IN_MODALS["alert"]]}
    assert any(finding.refused for finding in lint_view(home, "home"))
