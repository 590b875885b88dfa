"""The history as a modal: entries page by page, two filters, and the button for a file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from bot.views.blocks import Block, View, actions, button, context, modal, option, plain, section
from bot.views.deeds import DEEDS, PERSON_ID, changes, sentence
from bot.views.wording import escape
from services.errors import Refused
from services.history import NEWEST, HistoryPage
from storage.audit import Wanted

TITLE = "History"
PERSON, ACTION = "history.person", "history.action"
EVERYBODY, EXPORT = "history.everybody", "history.export"
NEWER, OLDER = "history.newer", "history.older"
PRESSED = (PERSON, ACTION, EVERYBODY, EXPORT, NEWER, OLDER)
EVERYTHING = "everything"
ON_ITS_WAY = "The file is on its way in your direct messages."

TOKEN_ID = re.compile(r"([0-9a-z]{32})?")
BEFORE = re.compile(r"before=([0-9]{1,18})")
FILTERS = re.compile(r"filters-([0-9]{1,6})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a person asks to see next; `turn` counts how often the person filter was emptied."""

    wanted: Wanted
    before: int
    turn: int = 0


def history(shown: HistoryPage, zone: ZoneInfo, *, turn: int = 0, note: str = "") -> View:
    """One page of the history; `note` is what the last click did."""
    of = f"*{escape(shown.token.name)}*" if shown.token else "*All tokens*"
    blocks = [section(f"{of}, newest first"), _filters(shown.wanted, turn)]
    for entry in shown.entries:
        blocks += [section(sentence(entry, shown.names, zone)), context(changes(entry, zone))]
    if not shown.entries:
        blocks.append(section(_nothing(shown)))
    if foot := _foot(shown):
        blocks.append(actions(*foot, block_id="pages"))
    if note:
        blocks.append(context(note))
    return modal(TITLE, blocks, private_metadata=shown.wanted.token_id or "")


def parse_look(view: Mapping[str, Any], action: Mapping[str, Any]) -> Look:
    """What a click in the modal asks for. Raises Refused where it holds what we never drew."""
    token_id = _matched(TOKEN_ID, view.get("private_metadata", "")).group()
    state: Mapping[str, Any] = view["state"]["values"]
    block_id = next((one for one in state if FILTERS.fullmatch(one)), "filters-0")
    turn = int(_matched(FILTERS, block_id).group(1))
    filters: Mapping[str, Any] = state.get(block_id, {})
    person = filters.get(PERSON, {}).get("selected_user")
    what = (filters.get(ACTION, {}).get("selected_option") or {}).get("value", EVERYTHING)
    pressed = action.get("action_id")
    if pressed == EVERYBODY:
        person, turn = None, turn + 1
    if person is not None:
        _matched(PERSON_ID, person)
    if what not in {EVERYTHING, *DEEDS}:
        raise _stale(what)
    wanted = Wanted(
        token_id=token_id or None, actor=person, action=None if what == EVERYTHING else what
    )
    turned = pressed in (NEWER, OLDER, EXPORT)
    return Look(wanted=wanted, before=_before(action) if turned else NEWEST, turn=turn)


def _filters(wanted: Wanted, turn: int) -> Block:
    everything = option("Everything", EVERYTHING)
    options = [everything, *(option(told.menu, name) for name, told in DEEDS.items())]
    chosen = next((one for one in options if one["value"] == wanted.action), everything)
    person: Block = {
        "type": "users_select",
        "action_id": PERSON,
        "placeholder": plain("Everybody"),
    }
    if wanted.actor:
        person["initial_user"] = wanted.actor
    action: Block = {
        "type": "static_select",
        "action_id": ACTION,
        "placeholder": plain("What was done"),
        "options": options,
        "initial_option": chosen,
    }
    emptied = [button("Everybody", EVERYBODY, "everybody")] if wanted.actor else []
    # Slack keeps what was picked as long as the block keeps its id, and has no way to unpick a
    # person: emptying the filter takes a block of another id.
    return actions(person, action, *emptied, block_id=f"filters-{turn}")


def _foot(shown: HistoryPage) -> list[Block]:
    here = shown.entries[0].number + 1 if shown.entries else NEWEST
    buttons = []
    if shown.newer is not None:
        buttons.append(button("Newer", NEWER, f"before={shown.newer}"))
    if shown.older is not None:
        buttons.append(button("Older", OLDER, f"before={shown.older}"))
    if shown.entries:
        buttons.append(button("CSV as a file", EXPORT, f"before={here}"))
    return buttons


def _nothing(shown: HistoryPage) -> str:
    if shown.wanted.actor or shown.wanted.action:
        return "No entry fits these filters."
    return "There is no entry yet." if shown.newer is None else "There is nothing older."


def _before(action: Mapping[str, Any]) -> int:
    return int(_matched(BEFORE, action.get("value")).group(1))


def _matched(form: re.Pattern[str], value: object) -> re.Match[str]:
    found = form.fullmatch(str(value))
    if found is None:
        raise _stale(value)
    return found


def _stale(value: object) -> Refused:
    return Refused(
        f"history: {value!r} was never drawn",
        user_message="This view belongs to an older release, so nothing was done. Close it and "
        "open the history anew with `/enroll-token history`.",
    )
