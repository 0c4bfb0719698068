"""What a search is narrowed by and what is counted beside: the same of every member of the port."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.movies.members import MEMBERS, choosing
from theatre.movies.app import open_index
from theatre.movies.search import Entry, Kind, Question, SearchIndex
from theatre.movies.settings import MoviesSettings

NUMBERS = count(1)
DRAMA, COMEDY, HORROR = (UUID(int=number) for number in range(1, 4))
ANNA, BORIS = UUID(int=11), UUID(int=12)


def film(name: str, *genres: UUID, **facts: Any) -> Entry:
    known = {"rating": 7.0, "access": "subscription", "year": 1999, "age": 12, "countries": ("FR",)}
    ids = tuple(str(genre) for genre in genres)
    return Entry(Kind.FILM, UUID(int=1000 + next(NUMBERS)), (name,), genre_ids=ids, **{**known, **facts})


SAD = film("Sad story", DRAMA, credits=(("actor", str(ANNA)),), year=1985, runtime_minutes=90)
GAY = film("Gay story", COMEDY, access="free", age=0, countries=("FR", "IT"), runtime_minutes=60)
BOTH = film("Both", DRAMA, COMEDY, credits=(("director", str(ANNA)), ("actor", str(BORIS))), rating=9.1)
DARK = film("Dark story", HORROR, age=18, countries=("US",), year=2000, rating=0.0)
FILMS = [SAD, GAY, BOTH, DARK]
ANNA_HERSELF = Entry(Kind.PERSON, ANNA, ("Anna Story",))


@pytest.fixture(params=MEMBERS)
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SearchIndex]:
    async with (
        choosing(request.param, tmp_path, MoviesSettings()) as settings,
        open_index(settings) as index,
    ):
        async with index.building() as build:
            await build.add([*FILMS, ANNA_HERSELF])
            await build.switch()
        yield index


@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        ({}, FILMS),
        ({"genre_ids": (DRAMA, COMEDY)}, [BOTH]),
        ({"any_genre_ids": (DRAMA, HORROR)}, [SAD, BOTH, DARK]),
        ({"no_genre_ids": (COMEDY,)}, [SAD, DARK]),
        ({"no_genre_ids": (DRAMA, COMEDY, HORROR)}, []),
        ({"genre_ids": (DRAMA,), "no_genre_ids": (COMEDY,)}, [SAD]),
        ({"person_ids": (ANNA,)}, [SAD, BOTH]),
        ({"person_ids": (ANNA, BORIS)}, [BOTH]),
        ({"person_ids": (ANNA,), "role": "actor"}, [SAD]),
        ({"person_ids": (ANNA, BORIS), "role": "actor"}, []),
        ({"country": "FR"}, [SAD, GAY, BOTH]),
        ({"country": "IT"}, [GAY]),
        ({"access": "free"}, [GAY]),
        ({"year_from": 1985, "year_to": 1999}, [SAD, GAY, BOTH]),
        ({"runtime_from": 60, "runtime_to": 89}, [GAY]),
        ({"rating_from": 9.1}, [BOTH]),
        ({"rating_from": 9.2}, []),
        ({"age_to": 12}, [SAD, GAY, BOTH]),
        ({"age_to": 12, "country": "FR", "year_to": 1990, "person_ids": (ANNA,)}, [SAD]),
    ],
)
async def test_all_that_is_named_must_hold(
    index: SearchIndex, narrowed: dict[str, Any], found: list[Entry]
) -> None:
    answer = await index.find(Question(Kind.FILM, "", limit=10, **narrowed))
    assert set(answer.ids) == {entry.id for entry in found}
    assert answer.total == len(found)
    counted = await index.find(Question(Kind.FILM, "", limit=0, **narrowed))
    assert (list(counted.ids), counted.total) == ([], len(found))


async def test_words_are_narrowed_too(index: SearchIndex) -> None:
    answer = await index.find(Question(Kind.FILM, "story", limit=10, country="FR", age_to=12))
    assert set(answer.ids) == {SAD.id, GAY.id}
    assert [*(await index.find(Question(Kind.PERSON, "story", limit=10))).ids] == [ANNA]


async def test_everything_is_counted_by_genre_access_decade_country_and_age(index: SearchIndex) -> None:
    answer = await index.find(Question(Kind.FILM, "", limit=0, with_facets=True))
    assert answer.facets == {
        "genre": {str(DRAMA): 2, str(COMEDY): 2, str(HORROR): 1},
        "access": {"subscription": 3, "free": 1},
        "decade": {"1980": 1, "1990": 2, "2000": 1},
        "country": {"FR": 3, "IT": 1, "US": 1},
        "age": {"0": 1, "12": 2, "18": 1},
    }
    assert (await index.find(Question(Kind.FILM, "", limit=0))).facets == {}


async def test_each_count_leaves_out_its_own_filter_and_keeps_all_others(index: SearchIndex) -> None:
    question = Question(
        Kind.FILM, "story", limit=10, any_genre_ids=(DRAMA,), country="FR", year_to=1989, with_facets=True
    )
    answer = await index.find(question)
    assert (list(answer.ids), answer.total) == ([SAD.id], 1)
    assert answer.facets == {
        "genre": {str(DRAMA): 1},
        "access": {"subscription": 1},
        "decade": {"1980": 1},
        "country": {"FR": 1},
        "age": {"12": 1},
    }
    wider = await index.find(
        Question(Kind.FILM, "story", limit=10, no_genre_ids=(DRAMA,), age_to=12, with_facets=True)
    )
    assert wider.facets["genre"] == {str(DRAMA): 1, str(COMEDY): 1}
    assert wider.facets["age"] == {"0": 1, "18": 1}


async def test_what_finds_nothing_still_counts_what_would(index: SearchIndex) -> None:
    answer = await index.find(Question(Kind.FILM, "", limit=10, country="JP", with_facets=True))
    assert answer.total == 0
    assert answer.facets["country"] == {"FR": 3, "IT": 1, "US": 1}
    assert answer.facets["genre"] == {}
