"""Somebody without any account does the whole job in a browser, by what stands on the screen.

The tests follow each other in one demo, as a person's year does.
"""

import re
from pathlib import Path

import pytest

from tests.browser import story
from tests.browser.screen import NARROW, Screen, screen_of
from tests.demo.running import Running

pytestmark = pytest.mark.timeout(300)


def test_a_token_comes_into_use_by_mouse_and_the_first_steps_tick_themselves_off(
    screen: Screen, saved: Path
) -> None:
    story.create(screen, saved)
    assert {file.suffix for file in saved.iterdir()} == {".pem", ".p7m"}
    screen.channel("it-alerts")
    screen.message("HQ iPads has 25 devices now")
    steps = screen.page.get_by_role("region", name="First steps")
    for step in ("Ask for a token", "Approve it", "Fetch it at Apple", "Bring it back"):
        screen.says(f"{step}: done", steps)


def test_the_token_is_renewed_with_the_file_that_the_browser_saved(
    screen: Screen, saved: Path
) -> None:
    story.renew(screen, saved)
    assert [file.suffix for file in saved.iterdir()] == [".p7m"]
    screen.channel("it-alerts")
    screen.message("HQ iPads is renewed: in use until")
    screen.channel("it-approvals")
    card = screen.message("asks to renew the token HQ iPads")
    card.get_by_role("button", name=re.compile("repl(y|ies)")).click()
    thread = screen.page.get_by_role("complementary", name="Thread")
    screen.says("The new token is in use", thread)


def test_new_terms_at_apple_are_said_and_cleared_when_they_are_signed(screen: Screen) -> None:
    story.let_terms_change(screen)
    story.sign_terms(screen)


def test_after_moving_the_clock_a_reminder_is_there_and_can_be_snoozed(screen: Screen) -> None:
    story.reminded(screen)
    story.snooze(screen)


def test_only_its_reader_sees_an_answer_and_a_bystander_is_told_who_may(screen: Screen) -> None:
    screen.be("Boris Bystander")
    screen.channel("general")
    screen.command("/enroll-token create")
    screen.says("the role operator", screen.form)
    screen.press("Close", screen.form)
    screen.command("/enroll-token list")
    answer = screen.message("You have no role in this app")
    screen.says("Only visible to you", answer)
    screen.be("Olivia Operator")
    screen.channel("general")
    assert not screen.page.get_by_text("Only visible to you").count()


def test_a_narrow_window_shows_the_channels_behind_a_button(demo: Running) -> None:
    with screen_of(demo.url, NARROW) as screen:
        channels = screen.page.get_by_role("button", name="Channels")
        channels.click()
        screen.page.keyboard.press("Escape")
        assert not screen.page.get_by_role("complementary", name="Channels").is_visible()
        channels.click()
        screen.channel("it-alerts")
        screen.message("HQ iPads")
        wide = screen.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= NARROW["width"]
        assert screen.wrong == []
