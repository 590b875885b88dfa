"""The Slack page draws every block that the product sends: a blank is a failure."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from bot.views.blocks import Message, View
from tests.bot.samples import TYPICAL
from tests.bot.surfaces import homes, messages, views
from tests.browser.screen import Screen, screen_of
from tests.demo.running import Running, wait_for
from tests.sandbox.slack.block_rules import BLOCKS
from tests.sandbox.slack.elements import ELEMENTS
from tests.sandbox.slack.reading import texts_of

pytestmark = pytest.mark.timeout(300)

DRAW = """
async ([blocks, view]) => {
  const { draw } = await import("/pages/blocks.js");
  const { messagePlace, viewPlace } = await import("/pages/places.js");
  const values = Object.fromEntries(blocks.map((block) => [block.block_id, {}]));
  const place = view
    ? viewPlace({ id: "V0DRAWN", values, errors: {} }, () => {})
    : messagePlace({ channel: "C0DRAWN", ts: "1.2" });
  return draw(blocks, place).map((node) => ({
    text: node.textContent,
    bare: node.matches(".cannot-draw") || node.querySelector(".cannot-draw") !== null,
    parts: node.querySelectorAll("button, input, textarea, img, [role=img]").length,
    places: [...node.querySelectorAll("[placeholder]")].map((each) => each.placeholder),
    hidden: node.childNodes.length === 0 && node.tagName !== "HR",
  }));
}
"""
KINDS = """
async () => {
  const { BLOCKS } = await import("/pages/blocks.js");
  const { ELEMENTS } = await import("/pages/elements.js");
  return [Object.keys(BLOCKS), Object.keys(ELEMENTS)];
}
"""
MARKS = re.compile(r"<[@#!][^>]*>|<https?://[^>]*>|(?<![\w:]):[a-z][a-z_0-9]+:(?!\w)")
"""What a reader must never see: marks that the page did not draw."""
SURFACES: dict[str, Message | View] = {
    **messages(TYPICAL),
    **views(TYPICAL),
    **homes(TYPICAL),
}


def blocks_of(surface: Message | View) -> list[dict[str, Any]]:
    """Its blocks, with the ids that Slack gives where there are none."""
    blocks = surface.blocks if isinstance(surface, Message) else surface["blocks"]
    return [{"block_id": f"b{place}"} | dict(block) for place, block in enumerate(blocks)]


def elements_in(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What can be pressed, filled in or looked at in a block."""
    inner = [*block.get("elements", []), block.get("accessory"), block.get("element")]
    yield from (part for part in inner if isinstance(part, dict) and part["type"] in ELEMENTS)


def test_the_page_draws_every_kind_that_slack_takes(screen: Screen) -> None:
    blocks, elements = screen.page.evaluate(KINDS)
    assert set(blocks) >= set(BLOCKS)
    assert set(elements) >= set(ELEMENTS)


def test_every_surface_is_drawn_whole(screen: Screen) -> None:
    assert len(SURFACES) > 100
    wrong = []
    for name, surface in SURFACES.items():
        blocks = blocks_of(surface)
        drawn = screen.page.evaluate(DRAW, [blocks, not isinstance(surface, Message)])
        assert len(drawn) == len(blocks), name
        for block, seen in zip(blocks, drawn, strict=True):
            wrong += [f"{name}: {what}" for what in flaws(block, seen)]
    assert wrong == []


def flaws(block: dict[str, Any], seen: dict[str, Any]) -> Iterator[str]:
    """What is missing, or to be seen as it was sent."""
    if seen["bare"] or seen["hidden"]:
        yield f"cannot draw {block}"
    if seen["parts"] < len(list(elements_in(block))):
        yield f"fewer parts than in {block}"
    if found := MARKS.search(seen["text"]):
        yield f"the mark {found.group()}"
    for text in texts_of([block]):
        for word in re.findall(r"[A-Za-z]{4,}", re.sub(r"<[^>]*>|:[a-z_0-9]+:|&\w+;", " ", text)):
            if word not in seen["text"] and not within(word, seen["places"], block):
                yield f"no {word!r} in {seen['text']!r}"


def within(word: str, places: list[str], block: dict[str, Any]) -> bool:
    """Whether it stands as a placeholder, or waits in a menu or a dialog until that is opened."""
    if any(word in place for place in places):
        return True
    waiting = [
        part.get(key)
        for part in elements_in(block)
        for key in ("options", "option_groups", "confirm", "alt_text", "accessibility_label")
        if part["type"] not in {"radio_buttons", "checkboxes"} or key == "confirm"
    ]
    return word in str(waiting) or word in str(block.get("alt_text"))


@pytest.mark.parametrize("kind", ["block", "element"])
def test_what_the_page_cannot_draw_is_said_aloud_and_noted(demo: Running, kind: str) -> None:
    odd = {"type": "hologram", "block_id": "b0"}
    block = odd if kind == "block" else {"type": "actions", "block_id": "b0", "elements": [odd]}
    with screen_of(demo.url) as screen:
        drawn = screen.page.evaluate(DRAW, [[block], False])
        assert drawn[0]["bare"]
        assert drawn[0]["text"] == f"This page cannot draw: {kind} hologram"
        wait_for(lambda: f"{kind} hologram" in demo.seen()["troubles"], "the note")
