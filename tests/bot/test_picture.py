"""The picture of all tokens: whole whatever the names are, and the same in words."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from bot.fonts import BOLD, fitted, shown_letters, width
from bot.picture import MARGIN, SHOWN, SMALL, TODAY, WIDTH, month_labels, picture
from storage.records import Token
from storage.states import Health, TokenState
from tests.bot.samples import HOSTILE, NOW, TOKEN, ZONE

NAMES = [
    "HQ iPads",
    "The very long name of a token that nobody would choose but that somebody chose, twice",
    "学校のiPad 東京",
    "مدرسة iPad",
    "בית ספר",
    "🚀🎒 École",
    "🎒🎒🎒",
    "W" * 80,
    "\u202egnp\u200f",
    HOSTILE.token.name,
]


def token(name: str, left: int | None = 100, **facts: object) -> Token:
    ends = None if left is None else NOW + timedelta(days=left)
    return replace(TOKEN, name=name, expires_at=ends, **facts)  # type: ignore[arg-type]


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


@pytest.mark.parametrize("count", [0, 1, 6, 40, 45, 200])
def test_any_number_of_tokens_is_one_picture(count: int) -> None:
    drawn = picture([token(f"Token {number}", number) for number in range(count)], NOW, ZONE)
    image = opened(drawn.png)
    assert image.format == "PNG"
    assert image.width == WIDTH
    assert image.height < 4000
    assert len(drawn.png) < 300_000
    assert 0 < len(drawn.alt_text) <= 2000
    if count > SHOWN:
        assert "more with more time left" in drawn.alt_text or drawn.alt_text.endswith("…")


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_drawn_within_its_room(name: str) -> None:
    assert opened(picture([token(name)], NOW, ZONE).png).width == WIDTH
    assert width(fitted(shown_letters(name), 34, 700, 600), 34, 700) <= 600


def test_letters_of_other_scripts_are_kept_and_what_no_font_has_is_left_out() -> None:
    assert shown_letters("🚀🎒 École") == "École"
    assert shown_letters("مدرسة iPad") == "مدرسة iPad"


@pytest.mark.parametrize(
    ("left", "facts", "words"),
    [
        (-3, {}, "expired 3 days ago"),
        (0, {}, "ends today"),
        (1, {}, "1 day left"),
        (6, {}, "6 days left"),
        (180, {"health": Health.SUPERSEDED}, "ended by a newer one, 180 days left"),
        (None, {"state": TokenState.REQUESTED}, "waits for approval"),
        (None, {"health": None}, "no date known"),
    ],
)
def test_state_and_days_are_in_words(
    left: int | None, facts: dict[str, object], words: str
) -> None:
    assert words in picture([token("HQ", left, **facts)], NOW, ZONE).alt_text


def test_forms_differ_where_colours_do() -> None:
    """Two pictures without colour still differ between a token that is fine and one that ends."""
    grey = [opened(picture([token("HQ", left)], NOW, ZONE).png).convert("L") for left in (6, 29)]
    marks = [image.crop((0, 220, 200, 290)) for image in grey]
    dark = [sum(mark.histogram()[:120]) for mark in marks]
    assert dark[0] != dark[1]


@pytest.mark.parametrize("year", [1, 9999])
def test_an_end_in_any_year_is_drawn(year: int) -> None:
    ends = datetime(year, 12, 31, 23, 59, tzinfo=UTC)
    assert picture([replace(TOKEN, expires_at=ends)], NOW, ZONE).png


def test_no_month_s_name_touches_today_or_the_edge_on_any_day() -> None:
    for passed in range(400):
        labels = month_labels((NOW + timedelta(days=passed)).date())
        assert len(labels) >= 4
        for x, label in labels:
            assert x > MARGIN + width(TODAY, SMALL, BOLD)
            assert x + width(label, SMALL) < WIDTH - MARGIN
