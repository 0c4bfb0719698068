"""Films as the public sees them: fields, languages, lists in every order, tags."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.movies.desk import Desk

FILMS = "/movies/api/v1/films"
SORTS = ("rating", "title", "year", "runtime", "published")


async def walk(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """Read a list to its end, two rows at a time."""
    found: list[dict[str, Any]] = []
    query["limit"] = 2
    while True:
        answer = await client.get(FILMS, params=query)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return found
        query["cursor"] = answer.json()["next_cursor"]


async def test_a_film_is_told_in_the_language_of_the_viewer(client: httpx.AsyncClient, desk: Desk) -> None:
    director = await desk.person("Andrei Tarkovsky", "Андрей Тарковский")
    film_id = await desk.film(
        titles={"ru": "Сталкер", "en": "Stalker"},
        genres=("drama", "science_fiction"),
        credits=[{"person_id": director, "role": "director"}, {"person_id": director, "role": "writer"}],
    )
    russian = await client.get(f"{FILMS}/{film_id}", headers={"Accept-Language": "ru"})
    english = (await client.get(f"{FILMS}/{film_id}")).json()
    assert russian.headers["content-language"] == "ru"
    assert russian.json()["title"] == "Сталкер"
    assert russian.json()["directors"] == [{"id": director, "name": "Андрей Тарковский"}]
    assert english["writers"] == [{"id": director, "name": "Andrei Tarkovsky"}]
    assert [genre["name"] for genre in english["genres"]] == ["Drama", "Science fiction"]
    assert english["age_rating"] == "12+"
    assert english["rating"] == 8.1
    assert english["actors"] == []


@pytest.mark.parametrize("word", SORTS)
@pytest.mark.parametrize("locale", ["ru", "en"])
async def test_each_order_walks_all_films_once_either_way(
    client: httpx.AsyncClient, desk: Desk, word: str, locale: str
) -> None:
    rows = [
        ("Ёлки", 2010, 5.5),
        ("Елена", 2011, 7.0),
        ("Яма", 2011, 7.0),
        ("Ева", 1999, None),
        ("Ж", 2011, 7.0),
    ]
    for title, year, rating in rows:
        await desk.film(title, year=year, rating=rating, runtime_minutes=90 + year % 2)
    client.headers["Accept-Language"] = locale
    rising, falling = await walk(client, sort=word), await walk(client, sort=f"-{word}")
    assert len({film["id"] for film in rising}) == len(rising) == 5
    assert rising == falling[::-1]
    if word == "title":
        assert [film["title"] for film in rising] == ["Ева", "Елена", "Ёлки", "Ж", "Яма"]
    if word == "rating":
        assert [film["rating"] for film in rising] == [None, 5.5, 7.0, 7.0, 7.0]


async def test_a_cursor_of_one_order_is_none_of_another(client: httpx.AsyncClient, desk: Desk) -> None:
    for number in range(3):
        await desk.film(f"Film {number}")
    cursor = (await client.get(FILMS, params={"sort": "year", "limit": 1})).json()["next_cursor"]
    for sort in ("-year", "rating", "title"):
        answer = await client.get(FILMS, params={"sort": sort, "cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "kit.bad_cursor")


async def test_filters_hold_together(client: httpx.AsyncClient, desk: Desk) -> None:
    drama, comedy = await desk.genre("drama"), await desk.genre("comedy")
    actor = await desk.person("Anna")
    both = await desk.film("Both", genres=("drama", "comedy"), year=2001, age=16, rating=6.0, access="free")
    sad = await desk.film(
        "Sad", genres=("drama",), credits=[{"person_id": actor, "role": "actor"}], year=2005
    )
    gay = await desk.film("Gay", genres=("comedy",), countries=["FR", "IT"], runtime_minutes=80)

    async def ids(**query: Any) -> set[str]:
        return {film["id"] for film in await walk(client, **query)}

    assert await ids(genre=[drama, comedy]) == {both}
    assert await ids(any_genre=[drama, comedy]) == {both, sad, gay}
    assert await ids(no_genre=[comedy]) == {sad}
    assert await ids(person=actor) == {sad}
    assert await ids(person=actor, role="director") == set()
    assert await ids(country="IT") == {gay}
    assert await ids(year_from=2001, year_to=2004) == {both}
    assert await ids(access="free") == {both}
    assert await ids(age_to=12) == {sad, gay}
    assert await ids(rating_from=7) == {sad, gay}
    assert await ids(runtime_to=100) == {gay}
    assert await ids(genre=drama, year_from=2002) == {sad}


async def test_a_list_that_grows_meanwhile_shows_nothing_twice(client: httpx.AsyncClient, desk: Desk) -> None:
    old = {await desk.film(f"Film {number}", rating=5 + number / 10) for number in range(4)}
    first = (await client.get(FILMS, params={"limit": 2})).json()
    await desk.film("Newcomer", rating=9.9)
    rest = (await client.get(FILMS, params={"limit": 9, "cursor": first["next_cursor"]})).json()
    seen = [film["id"] for film in first["items"] + rest["items"]]
    assert len(seen) == 4
    assert set(seen) == old


async def test_what_is_not_live_or_past_its_time_is_seen_by_staff_alone(
    client: httpx.AsyncClient, desk: Desk
) -> None:
    hidden = await desk.film("Draft", is_published=False)
    past = await desk.film("Past", available_until="2020-01-01T00:00:00Z")
    future = await desk.film("Future", available_from="2090-01-01T00:00:00Z")
    assert {film["id"] for film in await walk(client)} == {future}
    for film_id in (hidden, past):
        answer = await client.get(f"{FILMS}/{film_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "movies.film_not_found")
        assert (await desk.ask("GET", f"/films/{film_id}")).status_code == 200


async def test_what_a_client_has_is_not_sent_again_until_it_changes(
    client: httpx.AsyncClient, desk: Desk
) -> None:
    film_id = await desk.film()
    first = await client.get(f"{FILMS}/{film_id}")
    tag = {"If-None-Match": first.headers["etag"]}
    again = await client.get(f"{FILMS}/{film_id}", headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    other = await client.get(f"{FILMS}/{film_id}", headers={**tag, "Accept-Language": "ru"})
    assert other.status_code == 200
    body = (await desk.ask("GET", f"/films/{film_id}")).json()
    for given in ("id", "people", "published_at", "created_at", "changed_at"):
        del body[given]
    assert (await desk.ask("PUT", f"/films/{film_id}", json={**body, "year": 1980})).status_code == 200
    changed = await client.get(f"{FILMS}/{film_id}", headers=tag)
    assert changed.json() == {**first.json(), "year": 1980}


async def test_every_film_has_a_poster(client: httpx.AsyncClient, desk: Desk) -> None:
    ours = (await client.get(f"{FILMS}/{await desk.film('Tom & <Jerry>')}")).json()["poster_url"]
    drawn = await client.get(ours)
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert "Tom &amp; &lt;Jerry&gt;" in drawn.text
    assert (await client.get(ours, headers={"If-None-Match": drawn.headers["etag"]})).status_code == 304
    pictures = [
        {"kind": "backdrop", "url": "https://pictures.example/b.jpg"},
        {"kind": "poster", "url": "https://pictures.example/1.jpg"},
        {"kind": "poster", "url": "https://pictures.example/2.jpg"},
    ]
    theirs = (await client.get(f"{FILMS}/{await desk.film('Other', images=pictures)}")).json()
    assert theirs["poster_url"] == "https://pictures.example/1.jpg"
    assert theirs["backdrop_url"] == "https://pictures.example/b.jpg"


async def test_genres_and_people_are_told_in_the_language_of_the_viewer(
    client: httpx.AsyncClient, desk: Desk
) -> None:
    api = "/movies/api/v1"
    russian = {"Accept-Language": "ru"}
    drama = await desk.genre("drama")
    assert (await client.get(f"{api}/genres/{drama}", headers=russian)).json()["name"] == "драма"
    assert len((await client.get(f"{api}/genres")).json()["items"]) == 20
    anna, boris = await desk.person("Zoe", "Анна"), await desk.person("Adam", "Борис")
    named = (await client.get(f"{api}/persons", headers=russian)).json()["items"]
    assert [person["id"] for person in named] == [anna, boris]
    assert [person["name"] for person in (await client.get(f"{api}/persons")).json()["items"]] == [
        "Adam",
        "Zoe",
    ]
    films = [
        await desk.film(f"Film {year}", year=year, credits=[{"person_id": anna, "role": "actor"}])
        for year in (1999, 2001)
    ]
    played = (await client.get(f"{api}/persons/{anna}/films")).json()["items"]
    assert [film["id"] for film in played] == films[::-1]
    for path in (f"genres/{uuid4()}", f"persons/{uuid4()}", f"persons/{uuid4()}/films", f"films/{uuid4()}"):
        assert (await client.get(f"{api}/{path}")).status_code == 404
