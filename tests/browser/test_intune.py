"""Somebody does the admin center's part by hand, and the bot sees what was done."""

from pathlib import Path

import pytest

from tests.browser import intune, story
from tests.browser.screen import NARROW, Screen, screen_of
from tests.demo.running import Running

GUIDED = "Library iPads"
FULL = "Staff MacBooks"
pytestmark = pytest.mark.timeout(300)


def test_a_token_made_by_hand_is_found_and_watched(screen: Screen, saved: Path) -> None:
    screen.go("Intune")
    screen.says("There is no token yet.")
    intune.create(screen, saved)
    assert {file.suffix for file in saved.iterdir()} == {".pem", ".p7m"}
    screen.press(story.NAME)
    screen.press("Sync")
    screen.says("Synced with Apple.")
    story.a_day_on(screen)
    screen.channel("it-alerts")
    screen.message("1 token found in Intune")


def test_a_token_is_asked_for_made_by_hand_and_seen(screen: Screen, saved: Path) -> None:
    story.ask(screen, GUIDED, held_by="")
    story.approve(screen, GUIDED)
    screen.messages_of_app()
    tab = intune.in_its_tab(screen, f"Your steps for {GUIDED}")
    intune.create(tab, saved, GUIDED)
    intune.done(screen, f"Your steps for {GUIDED}")
    screen.message(f"{GUIDED} is in use")


def test_its_renewal_is_asked_for_done_by_hand_and_seen(screen: Screen, saved: Path) -> None:
    story.a_day_on(screen)
    screen.channel("general")
    screen.command(f"/enroll-token renew {GUIDED}")
    screen.pick("Why", "Its year is almost over")
    screen.press("Ask for approval", screen.form)
    screen.says("is in", screen.form)
    screen.press("Close", screen.form)
    story.approve(screen, f"asks to renew the token {GUIDED}")
    screen.messages_of_app()
    steps = "choose Renew token"
    tab = intune.in_its_tab(screen, steps)
    intune.renew(tab, saved, GUIDED)
    intune.done(screen, steps)
    screen.channel("it-alerts")
    screen.message(f"{GUIDED} is renewed: in use until")


def test_a_form_that_is_left_takes_its_key_along(screen: Screen, saved: Path) -> None:
    screen.go("Intune")
    screen.press("Create")
    screen.save("Download your public key", saved)
    screen.press("Cancel")
    screen.says("Its public key is lost with it")
    screen.press("Leave", screen.page.locator("dialog.ask"))
    screen.says("A token lets Intune sync devices")


def test_a_file_for_another_key_is_refused_in_words(screen: Screen, saved: Path) -> None:
    wrong = saved / "wrong.p7m"
    wrong.write_bytes(b"hello")
    screen.go("Intune")
    screen.press(story.NAME)
    screen.press("Renew token")
    screen.page.get_by_label("Apple token (.p7m)").set_input_files(wrong)
    screen.press("Renew token")
    screen.says("The token file is not an S/MIME message.")
    screen.press("Cancel")


def test_a_renewal_by_hand_is_seen(screen: Screen, saved: Path) -> None:
    story.a_day_on(screen)
    screen.go("Intune")
    intune.renew(screen, saved)
    screen.says("Active")


def test_devices_are_deleted_and_come_back_while_apple_still_assigns_them(screen: Screen) -> None:
    screen.go("Intune")
    screen.press(story.NAME)
    screen.press("Delete all…", sure="Delete")
    screen.says("No devices.")
    story.a_day_on(screen)
    screen.go("Intune")
    screen.press(story.NAME)
    screen.press("Sync")
    screen.says("iOS/iPadOS")


def test_a_mishap_at_microsoft_stands_above_every_page_until_it_ends(screen: Screen) -> None:
    screen.go("Intune")
    screen.press("Things that go wrong")
    for begin, end, said in (
        ("Throttle", "Stop it", "Microsoft Graph throttles"),
        ("Begin an outage", "End it", "Microsoft Graph is down"),
        ("Let it expire", "Prolong it", "the bot's secret has expired"),
        ("End the licence", "Renew it", "the tenant has no Intune licence"),
    ):
        screen.press(begin)
        screen.press("Users")
        screen.says(f"The bot gets errors here: {said}.")
        screen.press("Things that go wrong")
        screen.press(end)
    screen.press("Let it write")
    screen.says("The bot may read and write here")


def test_a_new_password_in_entra_is_said_in_slack(screen: Screen) -> None:
    screen.go("Intune")
    screen.press("Users")
    screen.press("Reset password")
    screen.says("The password of Ida Admin was changed.")
    story.a_day_on(screen)
    screen.channel("it-alerts")
    screen.message(f"Entra says: the password of {story.APPLE_ID} was changed")


def test_a_bot_that_may_write_hands_the_file_in_itself(screen: Screen, saved: Path) -> None:
    screen.go("Intune")
    screen.says("The bot may read and write here")
    screen.go("Slack")
    story.ask(screen, FULL, held_by="")
    story.approve(screen, FULL)
    file = story.fetch(screen, saved, FULL)
    story.bring(screen, file, f"Your steps for {FULL}")
    screen.go("Intune")
    screen.press(FULL)
    screen.says("Active")


def test_a_narrow_window_shows_the_admin_center_too(demo: Running) -> None:
    with screen_of(demo.url, NARROW) as screen:
        screen.go("Intune")
        screen.says(story.NAME)
        wide = screen.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= NARROW["width"]
        assert screen.wrong == []
