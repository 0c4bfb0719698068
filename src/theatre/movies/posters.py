"""Posters drawn by ourselves, as SVG: a function of title, year and genre, the same for ever."""

import hashlib
import textwrap
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 400, 600
MAX_LINES = 6
GOOD_LINES = 3
SIZES = (44, 36, 30, 24)
TEXT_WIDTH = 350
LETTER_WIDTH = 0.68
"""Of a bold letter with serifs, Cyrillic ones being the wider, in parts of its size."""
# of each genre the colours of night, of the middle and of light
PALETTES = {
    "action": ("#1b1b2f", "#b33030", "#f2c14e"),
    "adventure": ("#12343b", "#2d6a6a", "#f4d58d"),
    "animation": ("#22346e", "#5b8def", "#ffd166"),
    "biography": ("#2b2118", "#7a5c3e", "#e8d8b9"),
    "comedy": ("#7a2e1f", "#e4793a", "#ffe9b0"),
    "crime": ("#101418", "#4a4e59", "#d4a373"),
    "documentary": ("#1d2b2a", "#4d7c6f", "#dfe8dc"),
    "drama": ("#1f2440", "#5a5f8c", "#e9dcc9"),
    "family": ("#264653", "#2a9d8f", "#f4e3a1"),
    "fantasy": ("#241a3f", "#6d4aa3", "#e3c6ff"),
    "history": ("#2d1e12", "#8a5a2b", "#f0dfb8"),
    "horror": ("#0b0b0d", "#5c0a14", "#d9d2c5"),
    "music": ("#2a0f2e", "#a0397a", "#ffd9e8"),
    "mystery": ("#0f1c2e", "#34506e", "#c9d6df"),
    "romance": ("#4a1530", "#b5446e", "#ffd6d6"),
    "science_fiction": ("#071426", "#1f6f8b", "#c8f0f5"),
    "sport": ("#12301f", "#3a8a4d", "#eaf7c5"),
    "thriller": ("#14110f", "#7d3c1f", "#f0c987"),
    "war": ("#1e2216", "#5d6532", "#dcd5b0"),
    "western": ("#3a1f0f", "#b06a2c", "#f6d9a0"),
}
OTHER = ("#20232a", "#5b6270", "#e6e6e6")


@dataclass(frozen=True, slots=True)
class Poster:
    """What a poster shows; `genre` is its word and gives the colours."""

    title: str
    year: int
    genre: str
    byline: str = ""


def draw(poster: Poster) -> str:
    """Draw a poster."""
    night, middle, light = PALETTES.get(poster.genre, OTHER)
    dice = hashlib.blake2b(f"{poster.title}|{poster.year}".encode(), digest_size=16).digest()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(poster.title, {chr(34): "&quot;"})}, {poster.year}">'
        f'<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{night}"/>'
        f'<stop offset="1" stop-color="{middle}"/></linearGradient></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#sky)"/>'
        f"{_sun(dice, light)}{_hills(dice, night)}{_words(poster, light)}</svg>"
    )


def _sun(dice: bytes, light: str) -> str:
    x, y, radius = 80 + dice[0] % 240, 110 + dice[1] % 140, 40 + dice[2] % 60
    circle = f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{light}" opacity="0.85"/>'
    rings = "".join(
        f'<circle cx="{x}" cy="{y}" r="{radius + step}" fill="none" stroke="{light}" opacity="0.{4 - number}"/>'
        for number, step in enumerate((14, 30, 52))
    )
    return circle + (rings if dice[3] % 2 else "")


def _hills(dice: bytes, night: str) -> str:
    rows = []
    for row in range(3):
        base = 330 + 45 * row
        heights = [base - dice[4 + row * 4 + place] % 90 for place in range(4)]
        points = " ".join(f"{place * WIDTH // 3},{height}" for place, height in enumerate(heights))
        rows.append(
            f'<polygon points="0,{HEIGHT} {points} {WIDTH},{HEIGHT}" fill="{night}" opacity="0.{4 + 2 * row}"/>'
        )
    return "".join(rows)


def _words(poster: Poster, light: str) -> str:
    size, lines = _fit(poster.title)
    top = 540 - (len(lines) - 1) * size
    spans = "".join(
        f'<text x="30" y="{top + number * size}" font-size="{size}" font-weight="700">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    byline = f"{poster.year} · {poster.byline}" if poster.byline else str(poster.year)
    return (
        f'<g fill="{light}" font-family="Georgia, \'PT Serif\', serif">{spans}'
        f'<text x="30" y="574" font-size="17" opacity="0.9">{escape(byline)}</text></g>'
    )


def _fit(title: str) -> tuple[int, list[str]]:
    """Choose the largest letters that no word is broken at, in three lines if that can be."""
    longest = max(map(len, title.split()), default=0)
    tried = [(size, textwrap.wrap(title, width=_letters(size))) for size in SIZES]
    good = [fit for fit in tried if longest <= _letters(fit[0]) and len(fit[1]) <= GOOD_LINES]
    size, lines = (good or tried[-1:])[0]
    return size, lines[:MAX_LINES]


def _letters(size: int) -> int:
    return int(TEXT_WIDTH / (LETTER_WIDTH * size))
