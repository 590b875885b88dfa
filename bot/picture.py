"""The picture of all tokens on a time line, as a PNG.

It is read on a phone, in light and dark mode: large letters on a ground of its own. Each token has
its number in the list, its name, its days in words, and a bar as long as its time left, whose end
has a form for each degree of urgency: nothing is told by colour alone.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from PIL import Image, ImageDraw

from bot.fonts import BOLD, draw_text, drawable, fitted, shown_letters, width
from bot.views.wording import HEALTH, WAITING, days, number
from services.calendar import local_day
from services.tokens import IN_TROUBLE, days_left
from storage.records import Token
from storage.states import Health, TokenState

WIDTH = 1080
MARGIN = 36
TODAY = "today"
APART = 16
ROW, COMPACT = 112, 86
"""The height of a row, and where there are many tokens."""
MANY = 12
HEAD = 172
FOOT = 64
SHOWN = 40
SPAN = 366
"""Days from the left end of the line to its right end."""
SOON, URGENT = 30, 7
RIM = 4
LARGE, MIDDLE, SMALL = 40, 34, 28
GROUND, INK, FAINT, LINE = "#f7f7f5", "#1d1c1d", "#5c5a5e", "#d5d4d6"
FINE, NEAR, NOW = "#1f6f4a", "#a15c00", "#b3123a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The PNG, and the same in words."""

    png: bytes
    alt_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: int
    name: str
    said: str
    left: int | None
    colour: str
    down: bool
    """Whether enrolment is down although its time is not over: what is left is drawn hollow."""


def picture(tokens: Sequence[Token], now: datetime, zone: ZoneInfo) -> Picture:
    """The tokens in their order, the most urgent first."""
    rows = [_row(index, one, now, zone) for index, one in enumerate(tokens[:SHOWN], start=1)]
    more = len(tokens) - len(rows)
    step = ROW if len(rows) <= MANY else COMPACT
    height = HEAD + step * max(1, len(rows)) + FOOT
    image = Image.new("RGB", (WIDTH, height), GROUND)
    draw = ImageDraw.Draw(image)
    today = local_day(now, zone)
    _title(draw, len(tokens), today)
    _months(draw, today, height - FOOT)
    for index, row in enumerate(rows):
        _draw(draw, row, HEAD + step * index, step)
    if not rows:
        at = (MARGIN, HEAD + ROW / 2)
        draw_text(draw, at, "There are no tokens yet.", size=MIDDLE, colour=FAINT)
    _foot(draw, height, more)
    held = io.BytesIO()
    # Few colours are in it, so few are kept: a phone may load it over a thin line.
    image.quantize(64).save(held, "PNG", optimize=True)
    return Picture(png=held.getvalue(), alt_text=_alt_text(rows, more))


def _row(index: int, token: Token, now: datetime, zone: ZoneInfo) -> _Row:
    left = days_left(token.expires_at, now, zone)
    said, colour = _said(token, left)
    name = " ".join(token.name.split())
    down = token.state is TokenState.ACTIVE and token.health in IN_TROUBLE - {Health.EXPIRED}
    return _Row(number=index, name=name, said=said, left=left, colour=colour, down=down)


def _said(token: Token, left: int | None) -> tuple[str, str]:
    """State and days in words, and the colour that goes with them."""
    if token.state in WAITING:
        return WAITING[token.state], FAINT
    ill = token.state is TokenState.ACTIVE and token.health not in {None, Health.OK}
    words = _words(left)
    if ill and token.health is not None and token.health is not Health.EXPIRED:
        return f"{HEALTH[token.health]}, {words}", NOW
    if left is None:
        return words, FAINT
    return words, NOW if left <= URGENT else NEAR if left <= SOON else FINE


def _words(left: int | None) -> str:
    if left is None:
        return "no date known"
    return f"expired {days(left)}" if left < 0 else days(left)


def _title(draw: ImageDraw.ImageDraw, count: int, today: date) -> None:
    title = "1 token" if count == 1 else f"{number(count)} tokens"
    draw_text(draw, (MARGIN, 66), title, size=LARGE, colour=INK, weight=BOLD)
    when = f"{today.day} {today:%B %Y}"
    at = (WIDTH - MARGIN - width(when, MIDDLE), 66)
    draw_text(draw, at, when, size=MIDDLE, colour=FAINT)


def _months(draw: ImageDraw.ImageDraw, today: date, bottom: int) -> None:
    """The first of every month, and today at the left end."""
    draw_text(draw, (MARGIN, 128), TODAY, size=SMALL, colour=INK, weight=BOLD)
    draw.line([(MARGIN, 144), (MARGIN, bottom)], fill=FAINT, width=3)
    for month in _firsts(today):
        x = _x((month - today).days)
        draw.line([(x, 144), (x, bottom)], fill=LINE, width=2)
    for x, label in month_labels(today):
        draw_text(draw, (x, 128), label, size=SMALL, colour=FAINT)


def month_labels(today: date) -> list[tuple[float, str]]:
    """Every other month, and where its name begins; none where it would not have its place."""
    left, right = MARGIN + width(TODAY, SMALL, BOLD) + APART, WIDTH - MARGIN
    labels = []
    for month in _firsts(today)[1::2]:
        label = f"{month:%b}"
        half = width(label, SMALL) / 2
        x = _x((month - today).days)
        if x - half > left and x + half < right:
            labels.append((x - half, label))
    return labels


def _firsts(today: date) -> list[date]:
    months = [today.replace(day=1)]
    for _ in range(12):
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    return months[1:]


def _draw(draw: ImageDraw.ImageDraw, row: _Row, top: int, step: int) -> None:
    baseline = top + (46 if step == ROW else 38)
    said = width(row.said, MIDDLE, BOLD)
    label = f"{row.number}  "
    indent = MARGIN + width(label, MIDDLE)
    room = WIDTH - MARGIN - said - 28 - indent
    name = row.name if drawable(row.name) else "name in the list"
    # The ground hides the months' lines behind words, which would make them hard to read.
    draw.rectangle([(MARGIN + 4, baseline - 36), (WIDTH - MARGIN, baseline + 12)], fill=GROUND)
    draw_text(draw, (MARGIN + 12, baseline), label, size=MIDDLE, colour=FAINT)
    shown = fitted(shown_letters(name), MIDDLE, BOLD, room)
    draw_text(draw, (indent + 12, baseline), shown, size=MIDDLE, colour=INK, weight=BOLD)
    at = (WIDTH - MARGIN - said, baseline)
    draw_text(draw, at, row.said, size=MIDDLE, colour=row.colour, weight=BOLD)
    if row.left is not None:
        _bar(
            draw, row, baseline + 34 if step == ROW else baseline + 26, 1.0 if step == ROW else 0.6
        )


def _bar(draw: ImageDraw.ImageDraw, row: _Row, y: int, scale: float) -> None:
    left = max(0, row.left or 0)
    x, colour = _x(left), row.colour
    draw.line([(MARGIN, y), (x, y)], fill=colour, width=14)
    if row.down:
        _hollow(draw, x, y)
        return
    if left > SPAN:
        draw.polygon([(x + 8, y - 16), (x + 28, y), (x + 8, y + 16)], fill=colour)
    if row.left is not None and row.left < 0:
        _cross(draw, x + 16, y, colour=colour, size=13 * scale)
    elif left <= URGENT:
        _triangle(draw, x, y, colour=colour, size=22 * scale)
    elif left <= SOON:
        _diamond(draw, x, y, colour=colour, size=20 * scale)
    else:
        _disc(draw, x, y, colour=colour, size=14)


def _hollow(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    """Empty a bar, and end it with a ring: its time is left, but of no use."""
    if x - MARGIN > 2 * RIM:
        draw.line([(MARGIN + RIM, y), (x - RIM, y)], fill=GROUND, width=14 - 2 * RIM)
    _ring(draw, x, y, colour=NOW, size=14)


def _ring(draw: ImageDraw.ImageDraw, x: float, y: float, *, colour: str, size: float) -> None:
    _disc(draw, x, y, colour=colour, size=size)
    _disc(draw, x, y, colour=GROUND, size=size - RIM)


def _cross(draw: ImageDraw.ImageDraw, x: float, y: float, *, colour: str, size: float) -> None:
    for up in (size, -size):
        draw.line([(x - size, y - up), (x + size, y + up)], fill=colour, width=int(size * 0.7))


def _triangle(draw: ImageDraw.ImageDraw, x: float, y: float, *, colour: str, size: float) -> None:
    corners = [(x, y - size), (x + size, y + size * 0.8), (x - size, y + size * 0.8)]
    draw.polygon(corners, fill=colour)


def _diamond(draw: ImageDraw.ImageDraw, x: float, y: float, *, colour: str, size: float) -> None:
    draw.polygon([(x, y - size), (x + size, y), (x, y + size), (x - size, y)], fill=colour)


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, *, colour: str, size: float) -> None:
    draw.ellipse([(x - size, y - size), (x + size, y + size)], fill=colour)


def _foot(draw: ImageDraw.ImageDraw, height: int, more: int) -> None:
    text = f"{number(more)} more with more time left" if more > 0 else ""
    _legend(draw, height - 22)
    if text:
        at = (WIDTH - MARGIN - width(text, SMALL), height - 22)
        draw_text(draw, at, text, size=SMALL, colour=FAINT)


def _legend(draw: ImageDraw.ImageDraw, y: int) -> None:
    """The forms and what they mean; drawn, since no font need have them."""
    x = float(MARGIN + 12)
    forms = ((_cross, 9, "expired"), (_triangle, 13, "7 days"), (_diamond, 13, "30 days"))
    for form, size, words in (*forms, (_disc, 10, "more"), (_ring, 11, "down")):
        form(draw, x, y - 10, colour=FAINT, size=size)
        draw_text(draw, (x + 22, y), words, size=SMALL, colour=FAINT)
        x += 22 + width(words, SMALL) + 44


def _x(days_from_now: int) -> float:
    return MARGIN + min(days_from_now, SPAN) * (WIDTH - 2 * MARGIN - 30) / SPAN


def _alt_text(rows: Sequence[_Row], more: int) -> str:
    said = "; ".join(f"{row.number} {row.name}: {row.said}" for row in rows)
    rest = f"; {number(more)} more with more time left" if more > 0 else ""
    whole = f"Tokens by the time they have left: {said or 'none'}{rest}."
    return whole if len(whole) <= 1900 else f"{whole[:1899]}…"  # noqa: PLR2004 - Slack takes 2,000
