"""What is asked of movies in its benchmark: made from the words of which its films are made."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count
from urllib.parse import quote

import asyncpg

from benchmarks.load import Make
from theatre.kit.pagination import encode_cursor
from theatre.movies.fake_words import ENDS, HEADS, LAST_NAMES

API = "/movies/api/v1"
BARE = "/movies/api/_health"
PAGE = 10
DEEP_PAGES = 10_000
# so many questions of a kind are asked again and again, so many films, and so many questions in the mix
WARM = 60
KNOWN = 5_000
MIX = 300

HEAD_WORDS = [word for head in HEADS for word in head]
END_WORDS = [word for end in ENDS for word in end]
NAMES = [word for name in LAST_NAMES for word in name]


@dataclass(frozen=True)
class Catalogue:
    """What questions need to know of the films: how many there are, their ids, genres, and cursors far down a list."""

    films: int
    film_ids: Sequence[str]
    genre_ids: Sequence[str]
    cursors: Sequence[str]
    deep: int
    """After how many films those cursors go on."""


async def read_catalogue(url: str) -> Catalogue:
    """Read what questions need to know."""
    connection = await asyncpg.connect(url)
    try:
        ids = [str(row["id"]) for row in await connection.fetch("SELECT id FROM movies.film")]
        genres = [str(row["id"]) for row in await connection.fetch("SELECT id FROM movies.genre")]
        deep = min(DEEP_PAGES * PAGE, len(ids) // 2)
        rows = await connection.fetch(
            "SELECT rating_tenths, id FROM movies.film WHERE is_published "
            "ORDER BY rating_tenths DESC, id DESC OFFSET $1 LIMIT $2",
            deep,
            WARM * PAGE,
        )
    finally:
        await connection.close()
    cursors = [encode_cursor(("-rating", row["rating_tenths"], row["id"])) for row in rows]
    return Catalogue(len(ids), ids, genres, cursors, deep)


@dataclass(frozen=True)
class Kind:
    """A kind of question. `new` makes addresses that were not asked for yet, `again` such as were asked before."""

    name: str
    new: Iterator[str]
    again: Sequence[str]


def get(path: str) -> bytes:
    """Write a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def make_new(kind: Kind) -> Make:
    """Ask something else each time."""
    return lambda: get(next(kind.new))


def make_again(paths: Sequence[str], weights: Sequence[float] | None = None) -> Make:
    """Ask the same again and again, in any order; by weight, if there are any."""
    requests = [get(path) for path in paths]
    chance = random.Random(1)
    if weights is None:
        return lambda: chance.choice(requests)
    heaped = list(accumulate(weights))
    return lambda: chance.choices(requests, cum_weights=heaped)[0]


def kinds_of(catalogue: Catalogue) -> list[Kind]:
    """Make the kinds of questions that films are asked for by."""
    chance = random.Random(2)

    def words(name: str, text: Callable[[], str], facets: str = "facets=false") -> Kind:
        return _kind(name, lambda: f"{API}/films/search?query={quote(text())}&limit={PAGE}&{facets}")

    def filters() -> str:
        year = chance.randrange(1950, 2000)
        return f"facets=true&genre={chance.choice(catalogue.genre_ids)}&year_from={year}"

    film_ids = list(catalogue.film_ids)
    chance.shuffle(film_ids)
    return [
        Kind(
            "film by id",
            (f"{API}/films/{film_id}" for _ in count() for film_id in film_ids[KNOWN:]),
            [f"{API}/films/{film_id}" for film_id in film_ids[:KNOWN]],
        ),
        words("search, one common word", lambda: chance.choice(HEAD_WORDS)),
        words("search, two words", lambda: f"{chance.choice(HEAD_WORDS)} {chance.choice(END_WORDS)}"),
        words("search, misspelt", lambda: misspelt(chance, chance.choice(HEAD_WORDS + NAMES))),
        words("search, beginning of a word", lambda: beginning(chance, chance.choice(HEAD_WORDS))),
        _kind(
            "search, filters and facets",
            lambda: f"{API}/films/search?query={quote(chance.choice(HEAD_WORDS))}&limit={PAGE}&{filters()}",
        ),
        _kind("suggestions", lambda: f"{API}/suggest?q={quote(beginning(chance, chance.choice(NAMES)))}"),
        _kind("list by rating, page 1", lambda: f"{API}/films?sort=-rating&limit={PAGE}"),
        _kind("list by genre with facets", lambda: f"{API}/films?limit={PAGE}&{filters()}"),
        _kind(
            f"list by rating after {catalogue.deep:,} films",
            lambda: f"{API}/films?sort=-rating&limit={PAGE}&cursor={chance.choice(catalogue.cursors)}",
        ),
    ]


def _kind(name: str, address: Callable[[], str]) -> Kind:
    """Make a kind of question; a word of which doors know nothing makes each a new one."""
    return Kind(name, (f"{address()}&new={number}" for number in count()), [address() for _ in range(WARM)])


def misspelt(chance: random.Random, word: str) -> str:
    """Leave out a letter, not the first."""
    place = chance.randrange(1, len(word)) if len(word) > 1 else 0
    return word[:place] + word[place + 1 :]


def beginning(chance: random.Random, word: str) -> str:
    """Give some of the first letters."""
    return word[: chance.randint(2, max(2, len(word) - 1))]


def mix_of(kinds: Sequence[Kind]) -> tuple[list[str], list[float]]:
    """Give what many viewers ask for: searches of every kind, few of them by very many (as Zipf has it)."""
    searches = [kind for kind in kinds if kind.name.startswith("search")]
    asked = [searches[place % len(searches)].again[place // len(searches)] for place in range(MIX)]
    return asked, [1 / (place + 1) for place in range(MIX)]
