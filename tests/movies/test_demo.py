"""The demo catalogue: whole, plausible, in both languages, and put only where nothing is."""

import re
from collections import Counter

import httpx
import pytest
from sqlalchemy import func, select

from tests.movies.desk import Desk
from theatre.kit.db import Session
from theatre.movies import demo, posters
from theatre.movies.app import init
from theatre.movies.genres import FIRST
from theatre.movies.imports import FilmLine
from theatre.movies.models import Film, FilmAccess, Person
from theatre.movies.settings import MoviesSettings
from theatre.movies.spelling import sort_key

FILMS = demo.read_lines()
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
# their titles are signs and figures in either language
WITHOUT_LETTERS = {"8½", "1917", "12"}
LAST_YEAR = 2024
# sold by the demo price list of billing, under these very ids
SOLD = {
    "Metropolis": "0197a000-0000-7000-8000-000000000001",
    "Man with a Movie Camera": "0197a000-0000-7000-8000-000000000002",
}


def russian_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for film in FILMS:
        for _, en, ru in film.people():
            names[en] = names.get(en) or ru
    return names


def test_there_are_hundreds_of_films_and_none_twice() -> None:
    assert len(FILMS) >= 300
    for key in ("id", "description_ru", "description_en"):
        assert len({getattr(film, key) for film in FILMS}) == len(FILMS)
    for title in ("title_ru", "title_en"):
        assert len({(sort_key(getattr(film, title)), film.year) for film in FILMS}) == len(FILMS)


@pytest.mark.parametrize("film", FILMS, ids=lambda film: film.title_en)
def test_every_film_is_whole_and_plausible(film: FilmLine) -> None:
    assert 1902 <= film.year <= LAST_YEAR
    assert 40 <= film.runtime_minutes <= 1000
    assert film.directors
    assert film.writers
    assert film.actors
    assert film.rating is not None
    assert 5 <= film.rating <= 9.5
    assert set(film.genres) <= FIRST.keys()
    assert CYRILLIC.search(film.title_ru) or film.title_en in WITHOUT_LETTERS or film.title_ru == "1+1"
    assert not CYRILLIC.search(film.title_en)
    assert CYRILLIC.search(film.description_ru)
    assert not CYRILLIC.search(film.description_en)
    assert film.description_ru.endswith((".", "!", "?"))
    assert film.description_en.endswith((".", "!", "?"))
    assert len(set(film.actors)) == len(film.actors)


def test_everybody_has_a_name_in_both_languages() -> None:
    names = russian_names()
    assert [en for en, ru in names.items() if not CYRILLIC.search(ru) or CYRILLIC.search(en)] == []
    twins = Counter(sort_key(ru) for ru in names.values())
    assert [name for name, count in twins.items() if count > 1] == []


def test_what_must_be_bought_is_what_billing_sells() -> None:
    sold = {film.title_en: str(film.id) for film in FILMS if film.access is FilmAccess.PURCHASE}
    assert sold == SOLD


def test_every_genre_has_colours_of_its_own() -> None:
    assert posters.PALETTES.keys() == FIRST.keys()


async def test_demo_films_are_put_where_none_are_and_once(
    client: httpx.AsyncClient, settings: MoviesSettings, session: Session
) -> None:
    wanted = settings.model_copy(update={"demo_films": True})
    await init(wanted)
    await init(wanted)
    assert await session.scalar(select(func.count()).select_from(Film)) == len(FILMS)
    assert await session.scalar(select(func.count()).select_from(Person)) == len(russian_names())
    metropolis = await client.get(
        f"/movies/api/v1/films/{SOLD['Metropolis']}", headers={"Accept-Language": "ru"}
    )
    assert metropolis.json()["title"] == "Метрополис"
    assert [person["name"] for person in metropolis.json()["directors"]] == ["Фриц Ланг"]
    assert len(metropolis.json()["actors"]) == 4


async def test_a_catalogue_that_has_films_is_left_alone(
    desk: Desk, settings: MoviesSettings, session: Session
) -> None:
    await desk.film("Own film")
    await init(settings.model_copy(update={"demo_films": True}))
    assert await session.scalar(select(func.count()).select_from(Film)) == 1
