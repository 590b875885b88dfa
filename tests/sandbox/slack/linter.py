"""Every message and view is held against the rules of Block Kit."""

import json
from collections import Counter
from typing import Any, Literal

from tests.sandbox.slack.block_rules import BLOCKS, SURFACES
from tests.sandbox.slack.elements import OFFERED
from tests.sandbox.slack.reading import elements_of
from tests.sandbox.slack.rules import (
    PLAIN,
    Check,
    Finding,
    Findings,
    also,
    boolean,
    fields,
    items,
    string,
    text,
    typed,
)

Surface = Literal["message", "modal", "home"]

MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}
VIEW_BYTES = 250_000


def _anything(_value: object, _path: str, _findings: Findings) -> None:
    """Blocks are checked apart, for the surface they stand on."""


_NAMES: dict[str, Check] = {
    "private_metadata": string(3000, shortest=0),
    "callback_id": string(255),
    "external_id": string(255, shortest=0),
}
_SHARED: dict[str, Check] = {"type": string(10), "blocks": _anything}
VIEWS: dict[str, Check] = {
    "modal": fields(
        {"title": text(24, PLAIN)} | _SHARED,
        {
            "submit": text(24, PLAIN),
            "close": text(24, PLAIN),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        }
        | _NAMES,
    ),
    "home": fields(_SHARED, _NAMES),
}


def lint_message(blocks: object) -> list[Finding]:
    """Say what is wrong with the blocks of a message."""
    findings = Findings()
    _lint_blocks(blocks, "message", findings)
    return findings.found


def lint_view(view: object, surface: Literal["modal", "home"] = "modal") -> list[Finding]:
    """Say what is wrong with a view, its blocks included."""
    findings = Findings()
    also(typed(VIEWS, "view", (surface,)))(view, "/view", findings)
    if isinstance(view, dict):
        _lint_blocks(view.get("blocks"), surface, findings)
        if surface == "modal" and "submit" not in view and _has_input(view):
            findings.refuse("/view", "missing required field: submit, as there is an input block")
    return findings.found


def lint_options(answer: object) -> list[Finding]:
    """Say what is wrong with the options that the app suggested for a menu."""
    findings = Findings()
    OFFERED(answer, "", findings)
    return findings.found


def view_bytes(view: object) -> int:
    """Say how large Slack takes a view to be."""
    return len(json.dumps(view, ensure_ascii=False).encode())


def _has_input(view: dict[str, Any]) -> bool:
    blocks = view.get("blocks")
    return isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )


def _lint_blocks(blocks: object, surface: Surface, findings: Findings) -> None:
    least = 0 if surface == "message" else 1
    items(typed(BLOCKS, "block"), least, MOST_BLOCKS[surface])(blocks, "/blocks", findings)
    if not isinstance(blocks, list):
        return
    known = [block for block in blocks if isinstance(block, dict)]
    _lint_surface(known, surface, findings)
    _lint_ids(known, findings)
    _lint_totals(known, findings)


def _lint_surface(blocks: list[dict[str, Any]], surface: Surface, findings: Findings) -> None:
    for number, block in enumerate(blocks):
        kind = str(block.get("type"))
        if surface not in SURFACES.get(kind, (surface,)):
            findings.refuse(f"/blocks/{number}", f"a {kind} block is not allowed in a {surface}")
        for element in elements_of(block):
            if element.get("type") == "file_input" and surface != "modal":
                findings.refuse(f"/blocks/{number}", "a file_input is allowed in modals only")


def _lint_ids(blocks: list[dict[str, Any]], findings: Findings) -> None:
    ids = Counter(str(block["block_id"]) for block in blocks if block.get("block_id"))
    for block_id, times in ids.items():
        if times > 1:
            findings.refuse("/blocks", f"block_id {block_id!r} already exists")
    for number, block in enumerate(blocks):
        actions = Counter(str(e["action_id"]) for e in elements_of(block) if e.get("action_id"))
        for action_id, times in actions.items():
            if times > 1:
                problem = f"action_id {action_id!r} already exists in this block"
                findings.refuse(f"/blocks/{number}", problem)


def _lint_totals(blocks: list[dict[str, Any]], findings: Findings) -> None:
    if sum(block.get("type") == "table" for block in blocks) > 1:
        findings.refuse("/blocks", "only one table is allowed")
    markdown = [str(block.get("text")) for block in blocks if block.get("type") == "markdown"]
    if sum(map(len, markdown)) > 12_000:
        findings.refuse("/blocks", "markdown blocks must have 12000 characters at most in all")
    focused = [e for block in blocks for e in elements_of(block) if e.get("focus_on_load")]
    if len(focused) > 1:
        findings.refuse("/blocks", "only one element can have focus_on_load")
