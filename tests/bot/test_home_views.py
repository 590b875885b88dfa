"""The Home tab, the paged list and the settings keep Slack's rules, however much there is."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from bot.settings import Settings, load_settings
from bot.sources import SettingShown, Source, sources
from bot.views import home
from bot.views.blocks import View
from bot.views.home import SHOWN, home_tab
from bot.views.next_steps import STEPS
from bot.views.paging import page_asked
from bot.views.settings import settings_page
from bot.views.token_pages import token_page
from services.next_steps import NextStep
from services.overview import Glance, Overview, Waiting
from services.sealing import new_key
from services.tokens import PAGE, page_of
from storage.states import RequestState
from tests.bot.samples import HOSTILE, NOW, OLIVIA, TYPICAL, ZONE, Sample
from tests.bot.served import only
from tests.bot.surfaces import homes
from tests.bot.test_views import CONTROL, OURS, marked_up
from tests.sandbox.deployment import MANIFEST
from tests.sandbox.slack.linter import VIEW_BYTES, lint_message, lint_view, view_bytes
from tests.sandbox.slack.reading import buttons_of, texts_of

HOMES = {
    f"{kind}-{name}": view
    for kind, sample in {"typical": TYPICAL, "hostile": HOSTILE}.items()
    for name, view in homes(sample).items()
}
SECRET = "canary-51c7"


def crowded(sample: Sample, count: int) -> Overview:
    """So many tokens, each with a request of every kind."""
    tokens = [replace(sample.token, id=f"{number:032}") for number in range(count)]

    def requests(state: RequestState) -> list[Waiting]:
        return [
            Waiting(
                request=replace(sample.request, id=f"{state[:4]}{number:028}", state=state),
                token=token,
            )
            for number, token in enumerate(tokens)
        ]

    glances = [Glance(token=token, days_left=3, step=NextStep.RENEW_SOON) for token in tokens]
    shown = page_of(glances, 1)
    return Overview(
        person=OLIVIA,
        may_start=True,
        decide=requests(RequestState.PENDING),
        bring=requests(RequestState.AWAITING_UPLOAD),
        others=requests(RequestState.APPROVED),
        tokens=shown.items,
        page=shown.number,
        pages=shown.pages,
        total=count,
    )


@pytest.mark.parametrize("view", HOMES.values(), ids=HOMES.keys())
def test_slack_takes_every_home(view: View) -> None:
    assert lint_view(view, "home") == []


@pytest.mark.parametrize("view", HOMES.values(), ids=HOMES.keys())
def test_no_outside_text_mentions_links_or_hides_on_a_home(view: View) -> None:
    for text in marked_up(view):
        assert "<" not in OURS.sub("", text), text
        assert CONTROL.search(text) is None, text


@pytest.mark.parametrize("sample", [TYPICAL, HOSTILE], ids=["typical", "hostile"])
@pytest.mark.parametrize("count", [1, PAGE, PAGE + 1, 1000])
def test_slack_takes_a_home_of_any_length(sample: Sample, count: int) -> None:
    view = home_tab(crowded(sample, count), ZONE)
    assert lint_view(view, "home") == []
    assert view_bytes(view) < VIEW_BYTES / 2


def test_a_home_of_a_thousand_tokens_is_drawn_within_half_a_second() -> None:
    seen = crowded(HOSTILE, 1000)
    began = time.monotonic()
    home_tab(seen, ZONE)
    assert time.monotonic() - began < 0.5


def test_what_is_not_shown_is_counted() -> None:
    texts = texts_of(home_tab(crowded(TYPICAL, 15), ZONE)["blocks"])
    assert f"{2 * (15 - SHOWN)} more; they follow when these are done." in texts
    assert f"{15 - SHOWN} more; they follow when these are done." in texts


@pytest.mark.parametrize(
    ("page", "buttons"), [(0, {"More": "1"}), (1, {"Back": "0", "More": "2"}), (2, {"Back": "1"})]
)
def test_pages_are_turned_to_where_there_are_some(page: int, buttons: dict[str, str]) -> None:
    seen = replace(crowded(TYPICAL, 45), decide=[], bring=[], may_start=False, page=page)
    shown = buttons_of(home_tab(seen, ZONE)["blocks"])
    turning = [one for one in shown if one.element["action_id"] in {home.BACK, home.MORE}]
    assert {one.text: one.element["value"] for one in turning} == buttons


@pytest.mark.parametrize(
    ("value", "page"), [("2", 2), ("", 0), ("-1", 0), ("x", 0), ("9" * 5000, 0), ("²", 0)]
)
def test_a_page_button_without_a_number_leads_to_the_first_page(value: str, page: int) -> None:
    assert page_asked({"value": value}) == page
    assert page_asked({}) == 0


def test_the_manifest_switches_the_home_tab_on() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True


def test_every_next_step_has_words() -> None:
    assert set(STEPS) == set(NextStep)
    assert all(words.endswith(".") for words in STEPS.values())


def test_only_operators_see_the_button_for_a_new_token() -> None:
    shown = {name: str(view) for name, view in HOMES.items()}
    assert "New token" in shown["typical-home_empty"]
    assert "New token" not in shown["typical-home_empty_for_a_viewer"]
    assert "HQ iPads" not in shown["typical-home_without_a_role"]


@pytest.mark.parametrize("count", [0, 1, 45])
def test_slack_takes_a_page_of_the_list(count: int) -> None:
    late = HOSTILE.looked_at()
    page = page_of([late] * count, 1)
    assert lint_view(token_page(page, ZONE)) == []


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    values = {
        "SLACK_BOT_TOKEN": f"xoxb-{SECRET}",
        "SLACK_SIGNING_SECRET": SECRET,
        "ALERT_CHANNEL": "C0ALERTS",
        "ENCRYPTION_KEYS": f"{new_key('spring')},{new_key('autumn')}",
        "APPROVALS_REQUIRED": "create=2,3",
        "VIEWERS": "",
    }
    (tmp_path / ".env").write_text("PORT=4001\nALERT_CHANNEL=C0OTHER\nOPERATORS=U0OLIVIA,S0TEAM\n")
    only(monkeypatch, tmp_path, values)
    return load_settings()


def test_every_setting_is_shown_with_where_it_comes_from(settings: Settings) -> None:
    shown = {one.name: one for one in sources(settings)}
    assert shown.keys() == {name.upper() for name in Settings.model_fields}
    assert (shown["ALERT_CHANNEL"].values, shown["ALERT_CHANNEL"].source) == (
        ("C0ALERTS",),
        Source.ENVIRONMENT,
    )
    assert (shown["PORT"].values, shown["PORT"].source) == (("4001",), Source.FILE)
    assert (shown["OPERATORS"].values, shown["OPERATORS"].source) == (
        ("U0OLIVIA", "S0TEAM"),
        Source.FILE,
    )
    assert (shown["HOST"].values, shown["HOST"].source) == (("127.0.0.1",), Source.DEFAULT)
    assert (shown["VIEWERS"].values, shown["VIEWERS"].source) == ((), Source.DEFAULT)
    assert shown["APPROVALS_REQUIRED"].values == ("create=2", "3")
    assert shown["PROGRAMS"].values == ("apple",)
    assert shown["ENTRA_WATCH"].values == ("off",)


def test_secrets_are_only_said_to_be_set_and_keys_are_named(settings: Settings) -> None:
    text = json.dumps(settings_page(sources(settings)).blocks, ensure_ascii=False)
    assert "`SLACK_SIGNING_SECRET` (from the environment): set" in text
    assert "`SLACK_APP_TOKEN` (default): not set" in text
    assert "`ENCRYPTION_KEYS` (from the environment): `spring`, `autumn`" in text
    keys = [key.get_secret_value().partition(":")[2] for key in settings.encryption_keys]
    assert not [secret for secret in [SECRET, *keys] if secret in text]


@pytest.mark.parametrize("key", [SECRET, f"{SECRET}="])
def test_a_key_without_a_name_shows_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    least = {"SLACK_BOT_TOKEN": "x", "ALERT_CHANNEL": "C0ALERTS", "ENCRYPTION_KEYS": key}
    only(monkeypatch, tmp_path, least)
    assert SECRET not in str(sources(load_settings()))


def test_a_password_in_an_address_is_not_shown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://bot:{SECRET}@db.example/tokens")
    shown = {one.name: one.values for one in sources(load_settings())}
    assert shown["DATABASE_URL"] == ("postgresql://bot:…@db.example/tokens",)
    assert settings.database_url not in shown["DATABASE_URL"]


def test_settings_of_any_length_fit_into_one_message() -> None:
    many = tuple(f"S{number:020}`<!channel>" for number in range(500))
    shown = [
        SettingShown(name=f"SETTING_{number}", values=many, hidden=False, source=Source.FILE)
        for number in range(100)
    ]
    message = settings_page(shown)
    assert lint_message(message.blocks) == []
    assert "<!channel>" not in str(message.blocks)


def test_the_words_of_a_hostile_request_end_before_slack_cuts_them() -> None:
    seen = crowded(HOSTILE, 1)
    soon = replace(seen.decide[0].request, expires_at=NOW + timedelta(days=1))
    view = home_tab(replace(seen, decide=[replace(seen.decide[0], request=soon)]), ZONE)
    assert any("Decide until 7 March 2026" in text for text in texts_of(view["blocks"]))
