"""Films made up by the thousand, the same for the same seed: for load, and for whoever wants to see a full house."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, text

from theatre.kit.db import Engine
from theatre.kit.errors import Conflict
from theatre.movies.fake_words import ENDS, FIRST_NAMES, HEADS, LAST_NAMES, PLOTS, TURNS
from theatre.movies.models import AGES, Film, FilmAccess, Genre, Role
from theatre.movies.spelling import sort_key

CHUNK = 5_000
FILMS_PER_PERSON = 8
FIRST_YEAR, LAST_YEAR = 1930, 2025
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
COUNTRIES = ("RU", "US", "GB", "FR", "DE", "IT", "JP", "KR", "ES", "IN", "CN", "PL")
# few genres have most films, as in life
GENRE_WEIGHTS = [1 / (place + 1) for place in range(40)]
FAMILY = 0x0197_B000
PERSON, FILM = 1, 2

FILM_COLUMNS = (
    *("id", "titles", "descriptions", "original_title", "title_key_ru", "title_key_en", "year", "countries"),
    *("runtime_minutes", "age", "access", "rating_tenths", "is_published", "published_at"),
    *("created_at", "changed_at"),
)


class AlreadyMade(Conflict):
    """Films of this seed are there."""

    code = "movies.already_made"
    title = "Films of this seed are there already; choose another seed"


class GenresMissing(Conflict):
    """There is nothing that films could be of."""

    code = "movies.genres_missing"
    title = "There are no genres yet: run `theatre init movies` first"


@dataclass
class Made:
    """How much was made."""

    films: int = 0
    persons: int = 0
    credits: int = 0


@dataclass
class Batch:
    """Rows of some films."""

    films: list[tuple[Any, ...]] = field(default_factory=list)
    genres: list[tuple[UUID, UUID]] = field(default_factory=list)
    credits: list[tuple[UUID, UUID, str, int]] = field(default_factory=list)


def id_of(kind: int, seed: int, number: int) -> UUID:
    """Give the id of a thing made from a seed: ids of one seed follow each other."""
    return UUID(int=FAMILY << 96 | (seed & 0xFFFF) << 80 | 7 << 76 | kind << 64 | 2 << 62 | number)


class Faker:
    """Makes up people and films from a seed."""

    def __init__(self, seed: int, *, films: int, genre_ids: list[UUID]) -> None:
        self.seed = seed
        self.films = films
        self.persons = max(films // FILMS_PER_PERSON, 10)
        self._genre_ids = genre_ids
        self._genre_weights = list(accumulate(GENRE_WEIGHTS[: len(genre_ids)]))
        self._chance = random.Random(seed)

    def make_persons(self) -> Iterator[tuple[Any, ...]]:
        """Make the people."""
        for number in range(self.persons):
            first, last = self._chance.choice(FIRST_NAMES), self._chance.choice(LAST_NAMES)
            names = {"ru": f"{first[0]} {last[0]}", "en": f"{first[1]} {last[1]}"}
            keys = (sort_key(names["ru"]), sort_key(names["en"]))
            yield (id_of(PERSON, self.seed, number), _json(names), *keys)

    def make_films(self) -> Iterator[Batch]:
        """Make the films, some thousand at a time."""
        for start in range(0, self.films, CHUNK):
            batch = Batch()
            for number in range(start, min(start + CHUNK, self.films)):
                film_id = id_of(FILM, self.seed, number)
                batch.films.append(self._film(film_id, number))
                batch.genres += [(film_id, genre_id) for genre_id in self._genres()]
                batch.credits += self._credits(film_id)
            yield batch

    def _film(self, film_id: UUID, number: int) -> tuple[Any, ...]:
        chance = self._chance
        titles, descriptions = self._titles(), self._descriptions()
        country = chance.choice(COUNTRIES)
        at = BEGAN + timedelta(seconds=number)
        return (
            *(film_id, _json(titles), _json(descriptions), titles["ru" if country == "RU" else "en"]),
            *(sort_key(titles["ru"]), sort_key(titles["en"]), self._year(), [country]),
            *(int(chance.triangular(60, 200, 100)), chance.choice(AGES)),
            FilmAccess.FREE if chance.random() < 0.15 else FilmAccess.SUBSCRIPTION,
            *(min(max(int(chance.gauss(64, 12)), 10), 98), True, at, at, at),
        )

    def _titles(self) -> dict[str, str]:
        head, end, turn = (self._chance.choice(words) for words in (HEADS, ENDS, TURNS))
        return {"ru": f"{head[0]} {end[0]}{turn[0]}", "en": f"{head[1]} {end[1]}{turn[1]}"}

    def _descriptions(self) -> dict[str, str]:
        first, plot = self._chance.choice(FIRST_NAMES), self._chance.choice(PLOTS)
        return {"ru": plot[0].format(first[0]), "en": plot[1].format(first[1])}

    def _year(self) -> int:
        return int(self._chance.triangular(FIRST_YEAR, LAST_YEAR + 1, LAST_YEAR))

    def _genres(self) -> set[UUID]:
        wanted = self._chance.choices(self._genre_ids, cum_weights=self._genre_weights, k=2)
        return set(wanted)

    def _credits(self, film_id: UUID) -> Iterator[tuple[UUID, UUID, str, int]]:
        roles = (Role.DIRECTOR, Role.WRITER, Role.ACTOR, Role.ACTOR, Role.ACTOR)
        # some are in very many films, most in a few
        numbers = {int(self.persons * self._chance.random() ** 1.3) for _ in roles}
        for position, (number, role) in enumerate(zip(sorted(numbers), roles, strict=False)):
            yield film_id, id_of(PERSON, self.seed, number), role, position


def _json(value: dict[str, str]) -> str:
    return orjson.dumps(value).decode()


async def fill(
    engine: Engine, films: int, *, seed: int, say: Callable[[int], object] = lambda _: None
) -> Made:
    """Put so many films into the tables, all or none; the index is to be rebuilt afterwards. `say` hears how many are
    there.

    Raises:
        AlreadyMade, GenresMissing
    """
    made = Made()
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL movies.is_bulk = 'on'"))
        known = await connection.scalar(select(Film.id).where(Film.id == id_of(FILM, seed, 0)))
        if known is not None:
            raise AlreadyMade
        genre_ids = list(await connection.scalars(select(Genre.id).order_by(Genre.slug)))
        if not genre_ids:
            raise GenresMissing
        driver: Any = (await connection.get_raw_connection()).driver_connection
        faker = Faker(seed, films=films, genre_ids=genre_ids)
        columns = ("id", "names", "name_key_ru", "name_key_en")
        await driver.copy_records_to_table(
            "person", schema_name="movies", records=faker.make_persons(), columns=columns, timeout=60
        )
        made.persons = faker.persons
        for batch in faker.make_films():
            await _copy(driver, batch)
            made.films += len(batch.films)
            made.credits += len(batch.credits)
            say(made.films)
        # the owner's business, if it is the owner who logged in; else the database's own, a minute later
        await connection.execute(text("SET LOCAL ROLE NONE"))
        await connection.execute(text("ANALYZE movies.film, movies.film_genre, movies.credit, movies.person"))
    return made


async def _copy(driver: Any, batch: Batch) -> None:
    for table, rows, columns in (
        ("film", batch.films, FILM_COLUMNS),
        ("film_genre", batch.genres, ("film_id", "genre_id")),
        ("credit", batch.credits, ("film_id", "person_id", "role", "position")),
    ):
        await driver.copy_records_to_table(
            table, schema_name="movies", records=rows, columns=columns, timeout=60
        )
