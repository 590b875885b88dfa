"""The letters of pictures: Noto Sans, and whatever other scripts are installed beside it.

Latin, Greek, Cyrillic and Arabic are always there; Chinese, Japanese and Korean come with the extra
`cjk`, whose font is too large to ask of everybody. What no font has is left out, and the picture's
numbers lead to the list, whose letters are Slack's business.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageDraw, ImageFont

PACKAGES = {
    "fontpkg_noto_sans": "files/NotoSans[[]wdth,wght[]].ttf",
    "fontpkg_noto_sans_arabic": "files/NotoSansArabic[[]wdth,wght[]].ttf",
    "manimgx_fonts_cjk": "NotoSansCJK-VF.otf.ttc",
}
REGULAR, BOLD = 400, 700
NOBODY_HAS = "\uffff"
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Run:
    """Letters that one font has."""

    text: str
    font: ImageFont.FreeTypeFont


@cache
def _files() -> tuple[Path, ...]:
    found = []
    for package, pattern in PACKAGES.items():
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            found += sorted(Path(folder).glob(pattern))
    return tuple(found)


@cache
def _fonts(size: int, weight: int) -> tuple[ImageFont.FreeTypeFont, ...]:
    fonts = [ImageFont.truetype(file, size) for file in _files()]
    for font in fonts:
        axes: list[float] = [
            weight if axis["name"] == b"Weight" else axis["default"] or 0
            for axis in font.get_variation_axes()
        ]
        font.set_variation_by_axes(axes)
    return tuple(fonts)


@cache
def _has(font: ImageFont.FreeTypeFont, letter: str) -> bool:
    if letter.isspace():
        return True
    missing, mask = font.getmask(NOBODY_HAS), font.getmask(letter)
    return mask.size != missing.size or bytes(mask) != bytes(missing)


def runs(text: str, size: int, weight: int) -> list[Run]:
    """The text, letter after letter in the first font that has it; others are left out."""
    found: list[Run] = []
    for letter in text:
        fonts = _fonts(size, weight)
        # A space stays with the letters before it.
        if found and _has(found[-1].font, letter):
            font = found[-1].font
        else:
            able = [one for one in fonts if _has(one, letter)]
            if not able:
                continue
            font = able[0]
        if found and found[-1].font is font:
            found[-1] = Run(found[-1].text + letter, font)
        else:
            found.append(Run(letter, font))
    return found


def width(text: str, size: int, weight: int = REGULAR) -> float:
    """How wide the text is drawn."""
    return sum(run.font.getlength(run.text) for run in runs(text, size, weight))


def fitted(text: str, size: int, weight: int, most: float) -> str:
    """The text, its end replaced by … where it is wider than that."""
    if width(text, size, weight) <= most:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + ELLIPSIS, size, weight) <= most:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + ELLIPSIS


def drawable(text: str) -> bool:
    """Whether more than half of its letters can be drawn."""
    letters = [letter for letter in text if not letter.isspace()]
    drawn = sum(len(run.text.replace(" ", "")) for run in runs("".join(letters), 30, REGULAR))
    return bool(letters) and drawn * 2 > len(letters)


def shown_letters(text: str) -> str:
    """The letters of the text that are drawn, without the gaps that others leave."""
    return " ".join("".join(run.text for run in runs(text, 30, REGULAR)).split())


def draw_text(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    *,
    size: int,
    colour: str,
    weight: int = REGULAR,
) -> None:
    """Draw the text with its baseline's left end there."""
    x, y = at
    for run in runs(text, size, weight):
        draw.text((x, y), run.text, font=run.font, fill=colour, anchor="ls")
        x += run.font.getlength(run.text)
