"""What a reader sees of every message, modal and Home, kept beside the tests.

`UPDATE_GOLDEN=1 pytest tests/bot/test_golden.py` writes the files anew; the diff is the review.
"""

import os
from pathlib import Path

import pytest

from bot.views.blocks import Message, View
from tests.bot.samples import AMIR, BEA, OLIVIA, OTTO, TYPICAL
from tests.bot.surfaces import homes, messages, views
from tests.sandbox.slack.render import render_message, render_view
from tests.sandbox.slack.workspace import Workspace

GOLDEN = Path(__file__).parent / "golden"
MESSAGES, VIEWS = messages(TYPICAL), views(TYPICAL) | homes(TYPICAL)
NAMES = {OLIVIA: "Olivia", AMIR: "Amir", BEA: "Bea", OTTO: "Otto"}


@pytest.fixture
def slack() -> Workspace:
    slack = Workspace(scopes=[], signing_secret="invented", bot_token="xoxb-invented")
    for user_id, name in NAMES.items():
        slack.add_person(name, user_id=user_id)
    slack.add_channel("it-alerts", channel_id="C0ALERTS")
    return slack


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_message_reads_as_it_did(slack: Workspace, name: str) -> None:
    assert drawn_message(slack, MESSAGES[name]) == golden(name, slack)


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_a_modal_or_a_home_reads_as_it_did(slack: Workspace, name: str) -> None:
    assert drawn_view(slack, VIEWS[name]) == golden(name, slack)


def test_every_golden_file_belongs_to_a_surface() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == MESSAGES.keys() | VIEWS.keys()


def drawn_message(slack: Workspace, message: Message) -> str:
    posted = slack.post(
        slack.channel("it-alerts"), slack.bot_user_id, text=message.text, blocks=message.blocks
    )
    return f"text: {message.text}\n{render_message(posted)}\n"


def drawn_view(slack: Workspace, view: View) -> str:
    return f"{render_view(slack.new_view(OLIVIA, view))}\n"


def golden(name: str, slack: Workspace) -> str:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        drawn = (
            drawn_message(slack, MESSAGES[name])
            if name in MESSAGES
            else drawn_view(slack, VIEWS[name])
        )
        path.write_text(drawn, encoding="utf-8")
    return path.read_text(encoding="utf-8")
