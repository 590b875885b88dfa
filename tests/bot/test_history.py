"""The history's modal and file: what is drawn, what comes back, what outsiders cannot do."""

import ast
import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import services
from bot.views import history_file
from bot.views.blocks import Block, View
from bot.views.deeds import DEEDS, actor, changes, sentence
from bot.views.history import (
    ACTION,
    EVERYBODY,
    EXPORT,
    NEWER,
    OLDER,
    PERSON,
    history,
    parse_look,
)
from services.errors import Refused
from services.history import NEWEST, Chunk
from services.request_deeds import SERVICE
from storage.audit import Wanted
from storage.states import Verdict
from tests.bot.histories import approved, entries, histories, shown
from tests.bot.samples import AMIR, ATTACK, HOSTILE, TYPICAL, ZONE, Sample
from tests.sandbox.slack.linter import VIEW_BYTES, lint_view, view_bytes

NAMES = {TYPICAL.token.id: TYPICAL.token.name}
OURS = re.compile(r"<@U0[A-Z0-9]+>")
TOKEN_ID = "0" * 32


def submitted(
    person: str | None = None, action: str = "everything", *, turn: object = 0, token: str = ""
) -> View:
    """The modal as Slack sends it back."""
    filters: dict[str, Any] = {
        PERSON: {"type": "users_select", "selected_user": person},
        ACTION: {"type": "static_select", "selected_option": {"value": action}},
    }
    return {"private_metadata": token, "state": {"values": {f"filters-{turn}": filters}}}


def pressed(action_id: str, value: str = "") -> dict[str, Any]:
    return {"action_id": action_id, "value": value}


@pytest.mark.parametrize("sample", [TYPICAL, HOSTILE], ids=["typical", "hostile"])
def test_slack_takes_every_form_of_the_history(sample: Sample) -> None:
    for name, view in histories(sample).items():
        assert lint_view(view) == [], name
        assert view_bytes(view) < VIEW_BYTES / 4


def test_outside_text_neither_mentions_nor_links_and_is_never_cut_within_a_mark() -> None:
    for view in histories(HOSTILE).values():
        for block in view["blocks"]:
            text: Block = block.get("text") or next(iter(block.get("elements", [])), {})
            if text.get("type") == "mrkdwn":
                assert "<" not in OURS.sub("", text["text"])
                assert not re.search(r"&(?!amp;|lt;|gt;)", text["text"])


def test_an_entry_reads_as_a_sentence() -> None:
    told = sentence(approved(TYPICAL), NAMES, ZONE)
    assert told == f"6 March 2026, 10:30 (CET): <@{AMIR}> approved the request for HQ iPads"
    assert changes(approved(TYPICAL), ZONE) == "Entry 12 · state: pending → approved"


def test_facts_are_told_in_words_and_never_as_json() -> None:
    lines = [changes(entry, ZONE) for entry in entries(TYPICAL)]
    told = "\n".join(lines)
    assert not re.search(r"[{}\"_]", told)
    assert "state: awaiting upload" in told
    assert "owner: <@U0OTTO>" in told
    assert "expires: 6 March 2026, 10:30 (CET)" in told
    assert "renamed: HQ iPads → none" in told


def test_what_stayed_is_left_out() -> None:
    same = replace(approved(TYPICAL), after={"state": "pending", "reason": "web_page"})
    assert changes(same, ZONE) == "Entry 12 · reason: web page"


def test_a_name_in_capitals_is_no_mention() -> None:
    named = replace(approved(TYPICAL), before={}, after={"name": "U0UNITED"})
    assert changes(named, ZONE) == "Entry 12 · name: U0UNITED"


def test_the_service_a_console_and_a_person_are_told_apart() -> None:
    assert actor(SERVICE) == "this bot"
    assert actor("console:amir") == "console:amir"
    assert actor(AMIR) == f"<@{AMIR}>"
    assert "<" not in actor(f"console:{ATTACK}")


def test_an_action_of_another_release_is_shown_all_the_same() -> None:
    other = replace(approved(TYPICAL), action="token.melt")
    assert sentence(other, NAMES, ZONE).endswith("did “token.melt” for HQ iPads")
    assert sentence(replace(other, token_id=None), NAMES, ZONE).endswith("did “token.melt”")


def test_a_name_that_holds_a_placeholder_is_shown_as_it_is() -> None:
    told = sentence(approved(TYPICAL), {TYPICAL.token.id: "{name} {0}"}, ZONE)
    assert told.endswith("approved the request for {name} {0}")


def test_every_action_that_services_write_has_its_words() -> None:
    written = set()
    for path in Path(services.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Deed":
                (given,) = [one.value for one in node.keywords if one.arg == "action"]
                written |= {given.value} if isinstance(given, ast.Constant) else set()
    assert {f"request.{verdict}" for verdict in Verdict} | written <= DEEDS.keys()
    assert written


def test_a_click_brings_page_and_filters_back() -> None:
    view = submitted(AMIR, "request.approve", turn=4, token=TOKEN_ID)
    look = parse_look(view, pressed(OLDER, "before=120"))
    assert look.wanted == Wanted(token_id=TOKEN_ID, actor=AMIR, action="request.approve")
    assert (look.before, look.turn) == (120, 4)
    assert parse_look(view, pressed(NEWER, "before=0")).before == NEWEST
    assert parse_look(view, pressed(EXPORT, "before=7")).before == 7


def test_another_filter_begins_at_the_newest_entry() -> None:
    look = parse_look(submitted(AMIR), pressed(PERSON))
    assert (look.wanted, look.before) == (Wanted(actor=AMIR), NEWEST)


def test_everybody_empties_the_filter_under_a_new_block() -> None:
    look = parse_look(submitted(AMIR, turn=2), pressed(EVERYBODY, "everybody"))
    assert (look.wanted.actor, look.turn) == (None, 3)
    view = history(shown(TYPICAL), ZONE, turn=look.turn)
    filters = view["blocks"][1]
    assert filters["block_id"] == "filters-3"
    assert "initial_user" not in filters["elements"][0]


@pytest.mark.parametrize(
    ("view", "action"),
    [
        (submitted(), pressed(OLDER, "before=-1")),
        (submitted(), pressed(OLDER, "before=9999999999999999999")),
        (submitted(), pressed(OLDER, "1; DROP TABLE token")),
        (submitted(), {"action_id": NEWER}),
        (submitted(), pressed(OLDER, "before=١٢")),
        (submitted(token="../../etc"), pressed(PERSON)),
        (submitted(person="<!channel>"), pressed(PERSON)),
        (submitted(action="token.melt"), pressed(ACTION)),
    ],
)
def test_a_value_that_was_never_drawn_is_refused_in_a_sentence(
    view: View, action: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as caught:
        parse_look(view, action)
    assert "/enroll-token history" in caught.value.user_message


def test_filters_that_slack_left_out_are_open() -> None:
    assert parse_look({"state": {"values": {}}}, pressed(OLDER, "before=3")).wanted == Wanted()


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(beginning: str) -> None:
    name = f"{beginning}HYPERLINK(1)"
    (row,) = rows(names={TYPICAL.token.id: name}, origin=name)
    assert row["token"] == row["origin"] == f"'{name}"


def test_a_line_holds_every_fact_of_its_entry() -> None:
    (row,) = rows()
    assert tuple(row) == history_file.COLUMNS
    assert (row["number"], row["at"]) == ("12", "2026-03-06T09:30:00+00:00")
    assert (row["before"], row["after"]) == ('{"state": "pending"}', '{"state": "approved"}')
    assert (row["token"], row["hash"]) == ("HQ iPads", "a" * 64)


def test_line_breaks_and_quotes_stay_within_their_cell() -> None:
    (row,) = rows(after={"reason": 'First,\n"second"'}, names={TYPICAL.token.id: 'A "b",\nc'})
    assert row["token"] == 'A "b",\nc'
    assert row["after"] == r'{"reason": "First,\n\"second\""}'


def test_the_file_is_named_in_plain_letters() -> None:
    assert history_file.file_name(None) == "history.csv"
    assert history_file.file_name(TYPICAL.token) == "history-HQ-iPads.csv"
    assert re.fullmatch(r"history-[A-Za-z0-9-]+\.csv", history_file.file_name(HOSTILE.token))
    assert "<!" not in history_file.comment(HOSTILE.token, 1, 2)


def test_a_file_that_is_not_whole_says_so() -> None:
    assert history_file.comment(None, 1234, 2000).endswith("1,234 entries, newest first.")
    assert "audit export" in history_file.comment(None, 2000, 2000)


def rows(names: dict[str, str] | None = None, **facts: object) -> list[dict[str, str]]:
    entry = replace(approved(TYPICAL), **facts)  # type: ignore[arg-type]  # fields of AuditEntry
    text = history_file.heading() + history_file.lines(
        Chunk(entries=[entry], names=NAMES if names is None else names)
    )
    return list(csv.DictReader(io.StringIO(text, newline="")))
