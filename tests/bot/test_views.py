"""Every message and modal keeps Slack's rules, whatever outsiders wrote into it."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.views import bringing, create, steps, story, upload
from bot.views.blocks import Message, View
from bot.views.tokens import token_list
from bot.views.wording import HEALTH, HELD_BY, HOLDERS, PROGRAMS, REQUEST_STATES, escape, said
from services.phrases import person
from services.tokens import page_of
from services.uploads import WAITED_FOR
from services.wrong_file import WrongFileReason
from storage.states import Evidence, Health, Portal, ProgramName, RequestState
from tests.bot.samples import HOSTILE, OLIVIA, REQUEST, TOKEN, TYPICAL, ZONE
from tests.bot.surfaces import messages, views
from tests.sandbox.slack.linter import lint_message, lint_view
from tests.sandbox.slack.reading import texts_of

SAMPLES = {"typical": TYPICAL, "hostile": HOSTILE}
MESSAGES = {
    f"{kind}-{name}": message
    for kind, sample in SAMPLES.items()
    for name, message in messages(sample).items()
}
VIEWS = {
    f"{kind}-{name}": view
    for kind, sample in SAMPLES.items()
    for name, view in views(sample).items()
}
ESCAPED_TEXT = 4000
CONTROL = re.compile("[\u0000-\u0009\u000b-\u001f\u202a-\u202e\u2066-\u2069\u200e\u200f\ue000]")
OURS = re.compile(r"<(@U0[A-Z0-9]+|#C0[A-Z]+|https://[a-z.]+(/\S+)?\|[A-Za-z ]+)>")
"""The only marks between angle brackets that we write ourselves."""
WORD = re.compile(r"[A-Za-z]{2}")
EMOJI = re.compile(r":[a-z_]+:")


def marked_up(value: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a payload
    """Every text in which Slack looks for mentions and links."""
    if isinstance(value, list):
        for item in value:
            yield from marked_up(item)
    elif isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        for inner in value.values():
            yield from marked_up(inner)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_slack_takes_every_message(message: Message) -> None:
    assert lint_message(message.blocks) == []
    assert 0 < len(message.text) <= ESCAPED_TEXT


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_slack_takes_every_modal(view: View) -> None:
    assert lint_view(view) == []


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_no_outside_text_mentions_or_links_in_a_message(message: Message) -> None:
    for text in [message.text, *marked_up(message.blocks)]:
        assert "<" not in OURS.sub("", text), text


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_no_outside_text_mentions_or_links_in_a_modal(view: View) -> None:
    for text in marked_up(view):
        assert "<" not in OURS.sub("", text), text


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_no_unseen_character_reaches_marked_up_text_of_a_message(message: Message) -> None:
    for text in [message.text, *marked_up(message.blocks)]:
        assert CONTROL.search(text) is None, text


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_no_state_is_shown_by_an_emoji_alone(message: Message) -> None:
    for text in texts_of(message.blocks):
        assert WORD.search(EMOJI.sub("", text)), text


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_buttons_and_hidden_data_carry_ids_not_facts(message: Message) -> None:
    for block in message.blocks:
        for element in block.get("elements", []):
            if element["type"] == "button":
                assert re.fullmatch(r"[a-z0-9]{32}(\.[a-f0-9]{16})?|all", element["value"])


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_a_modal_hides_an_id_or_a_known_word(view: View) -> None:
    assert re.fullmatch(
        r"([a-z0-9]{32}(\.[a-f0-9]{16}\.[A-Z0-9]+/[0-9.]+)?|apple|intune)?",
        view.get("private_metadata", ""),
    )


def test_the_name_of_a_token_is_seen_as_it_was_typed() -> None:
    shown = json.dumps(MESSAGES["hostile-status"].blocks)
    assert "&lt;!channel&gt; &lt;@U123&gt;" in shown


def test_every_state_of_a_request_has_a_word() -> None:
    assert set(REQUEST_STATES) == set(RequestState)
    assert all(WORD.search(words) for words in REQUEST_STATES.values())


@pytest.mark.parametrize("reason", WrongFileReason)
def test_the_sentence_for_a_wrong_file_ends_and_says_what_to_do(reason: WrongFileReason) -> None:
    assert reason.sentence.endswith(".")
    assert re.search(r"\b([Dd]ownload|[Uu]pload|[Dd]elete|[Oo]pen)\b", reason.sentence), (
        reason.sentence
    )


def test_escaped_text_holds_no_mention_and_nothing_unseen() -> None:
    text = escape("<!here> & <@U1>\u202e\u200b\x07\nnext")
    assert text == "&lt;!here&gt; &amp; &lt;@U1&gt;\nnext"


def test_only_the_services_own_marks_become_a_mention() -> None:
    assert said(f"Ask {person(OLIVIA)} or <@U123>.") == "Ask <@U0OLIVIA> or &lt;@U123&gt;."


@pytest.mark.parametrize("broken", ["\ue000", "\ue000U1", "\ue000u1\ue000", "\ue000<!x>\ue000"])
def test_a_broken_mark_becomes_no_mention(broken: str) -> None:
    assert "<" not in said(f"Ask {broken}.")


@pytest.mark.parametrize("count", [1, 20, 21, 500])
def test_a_list_of_any_length_fits_into_one_message(count: int) -> None:
    shown = token_list(page_of([HOSTILE.looked_at() for _ in range(count)], 0), "", ZONE)
    assert lint_message(shown.blocks) == []
    assert shown.text


def test_the_create_form_gives_back_what_was_typed() -> None:
    form = create.parse_create(submitted(name="  HQ  ", consent=True))
    assert (form.name, form.server_name, form.owner) == ("  HQ  ", "", OLIVIA)
    assert (form.portal, form.consented, form.submission) == (Portal.SCHOOL, True, "V1")


def test_an_empty_create_form_consents_to_nothing() -> None:
    empty: View = {"id": "V1", "private_metadata": "apple", "state": {"values": {}}}
    form = create.parse_create(empty)
    assert not form.consented
    assert (form.name, form.reason, form.owner) == ("", "", "")


def test_an_upload_form_without_a_file_brings_neither_file_nor_text() -> None:
    values: dict[str, Any] = {"file": {"file": {"type": "file_input", "files": []}}}
    form = upload.parse_upload(
        {"id": "V1", "private_metadata": "r" * 32, "state": {"values": values}}
    )
    assert (form.file_id, form.text) == ("", "")


def test_every_health_has_words() -> None:
    assert HEALTH.keys() == set(Health)


def test_the_upload_form_offers_the_apple_id_that_was_asked_for() -> None:
    asked = replace(REQUEST, apple_id="new@schools.example")
    element = input_of(upload.upload_form(asked, TOKEN), "apple_id")
    assert element["initial_value"] == "new@schools.example"
    element = input_of(upload.upload_form(replace(asked, apple_id=None), TOKEN), "apple_id")
    assert element["initial_value"] == TOKEN.apple_id


def input_of(view: View, block_id: str) -> dict[str, Any]:
    found = next(block for block in view["blocks"] if block.get("block_id") == block_id)
    element: dict[str, Any] = found["element"]
    return element


def submitted(*, name: str, consent: bool) -> View:
    agreed = [{"text": {"type": "plain_text", "text": "I agree"}, "value": create.AGREE}]
    values = {
        "name": {"type": "plain_text_input", "value": name},
        "portal": {"type": "static_select", "selected_option": {"value": "school"}},
        "server_name": {"type": "plain_text_input", "value": None},
        "apple_id": {"type": "plain_text_input", "value": "a@b.example"},
        "owner": {"type": "users_select", "selected_user": OLIVIA},
        "reason": {"type": "plain_text_input", "value": "Because"},
        "consent": {"type": "checkboxes", "selected_options": agreed if consent else []},
    }
    state = {"values": {block: {block: element} for block, element in values.items()}}
    return {"id": "V1", "private_metadata": "apple", "state": state}


@pytest.mark.parametrize(
    "table",
    [bringing.DOES, bringing.TO_DO, bringing.PRESSED, WAITED_FOR, story.BROUGHT, upload.REFUSED],
)
def test_every_kind_of_evidence_has_words(table: dict[Evidence, str]) -> None:
    assert set(table) == set(Evidence)
    assert set(create.WAYS) == set(Evidence)


@pytest.mark.parametrize("table", [HELD_BY, HOLDERS, PROGRAMS, create.CONSENT, steps.PROOFS])
def test_every_program_has_words(table: dict[ProgramName, str]) -> None:
    assert set(table) == set(ProgramName)


@pytest.mark.parametrize("mode", ["guided", "recorded", "by_hand"])
def test_the_steps_by_hand_say_that_the_tab_stays_open_until_create(mode: str) -> None:
    said = " ".join(texts_of(MESSAGES[f"typical-intune_create_{mode}"].blocks))
    assert "Keep this tab open until you press Create at the end" in said
    assert "https://intune.microsoft.com" in said
    assert "Enrollment program tokens" in said


@pytest.mark.parametrize("mode", ["full", "guided", "recorded"])
def test_the_steps_of_a_renewal_say_what_the_download_ends(mode: str) -> None:
    said = " ".join(texts_of(MESSAGES[f"typical-intune_renew_{mode}"].blocks))
    assert "Download Token invalidates the token in use" in said


def test_a_form_for_a_single_program_has_no_menu_and_ours_warns() -> None:
    assert "Who syncs the devices" not in json.dumps(VIEWS["typical-create_form"])
    assert "this is the wrong choice" in json.dumps(VIEWS["typical-create_form"])
    assert "Who syncs the devices" in json.dumps(VIEWS["typical-intune_create_form_full"])
