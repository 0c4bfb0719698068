"""Staff at their doors: who may, what they do, and that it is written down and told."""

from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from tests.factories.auth_door import AuthDoor
from tests.movies.desk import ADMIN, Desk, film_body
from theatre.kit.audit import Audit
from theatre.kit.db import Session
from theatre.movies.models import AuditRecord, OutboxMessage
from theatre.registry import BY_NAME

ID = "0197a000-0000-7000-8000-00000000dead"
DOORS = [
    ("GET", "/films"),
    ("POST", "/films"),
    ("POST", "/films/import"),
    ("GET", f"/films/{ID}"),
    ("PUT", f"/films/{ID}"),
    ("DELETE", f"/films/{ID}"),
    ("GET", "/genres"),
    ("POST", "/genres"),
    ("PUT", f"/genres/{ID}"),
    ("DELETE", f"/genres/{ID}"),
    ("GET", "/persons"),
    ("POST", "/persons"),
    ("PUT", f"/persons/{ID}"),
    ("DELETE", f"/persons/{ID}"),
    ("GET", "/audit"),
]


def test_every_door_for_staff_is_tried_here(app: FastAPI) -> None:
    doors = {
        (method.upper(), path.removeprefix(ADMIN).partition("{")[0])
        for path, methods in app.openapi()["paths"].items()
        if path.startswith(ADMIN)
        for method in methods
    }
    assert doors == {(method, path.removesuffix(ID)) for method, path in DOORS}


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_only_those_who_keep_the_catalogue_come_in(
    client: httpx.AsyncClient, auth: AuthDoor, method: str, path: str
) -> None:
    assert (await client.request(method, f"{ADMIN}{path}")).status_code == 401
    for headers in (auth.user(uuid4(), "billing.manage", "ugc.moderate"), auth.service("billing")):
        assert (await client.request(method, f"{ADMIN}{path}", headers=headers)).status_code == 403


async def test_a_film_is_told_to_the_world_once_when_it_goes_live(desk: Desk, session: Session) -> None:
    film_id = await desk.film("Stalker", is_published=False)
    assert (await session.scalars(select(OutboxMessage))).all() == []
    for is_published in (True, False, True):
        body = film_body("Stalker", genre_ids=[await desk.genre("drama")], is_published=is_published)
        assert (await desk.ask("PUT", f"/films/{film_id}", json=body)).status_code == 200
    (message,) = (await session.scalars(select(OutboxMessage))).all()
    assert message.type == "movies.film.published"
    assert message.data == {"film_id": film_id, "titles": {"ru": "Stalker", "en": "Stalker"}, "year": 1979}


async def test_what_staff_do_is_written_down_in_a_chain(desk: Desk, session: Session) -> None:
    film_id = await desk.film("Stalker")
    body = film_body("Stalker", genre_ids=[await desk.genre("drama")], year=1980)
    await desk.ask("PUT", f"/films/{film_id}", json=body)
    assert (await desk.ask("DELETE", f"/films/{film_id}")).status_code == 204
    acts = (await desk.ask("GET", "/audit", params={"subject_id": film_id})).json()["items"]
    assert [act["action"] for act in acts] == ["film.remove", "film.replace", "film.create"]
    assert (acts[1]["before"]["year"], acts[1]["after"]["year"]) == (1979, 1980)
    chain = await Audit(AuditRecord).verify(session)
    assert (chain.length, chain.broken_number) == (3, None)
    assert (await desk.ask("GET", f"/films/{film_id}")).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"year": 1800},
        {"year": "1979"},
        {"age": 13},
        {"rating": 11},
        {"runtime_minutes": 0},
        {"countries": []},
        {"countries": ["su"]},
        {"titles": {"ru": "Сталкер"}},
        {"access": "gratis"},
        {"images": [{"kind": "poster", "url": "javascript:alert(1)"}]},
        {"available_from": "2026-01-02T00:00:00Z", "available_until": "2026-01-01T00:00:00Z"},
        {"genre_ids": []},
        {"director": "me"},
    ],
    ids=str,
)
async def test_a_film_that_cannot_be_is_refused(desk: Desk, change: dict[str, object]) -> None:
    body = {**film_body(genre_ids=[await desk.genre("drama")]), **change}
    assert (await desk.ask("POST", "/films", json=body)).status_code == 422


async def test_genres_and_people_that_are_unknown_are_refused(desk: Desk) -> None:
    drama = await desk.genre("drama")
    unknown = film_body(genre_ids=[drama, str(uuid4())])
    answer = await desk.ask("POST", "/films", json=unknown)
    assert (answer.status_code, answer.json()["code"]) == (422, "movies.genre_unknown")
    stranger = film_body(genre_ids=[drama], credits=[{"person_id": str(uuid4()), "role": "actor"}])
    answer = await desk.ask("POST", "/films", json=stranger)
    assert (answer.status_code, answer.json()["code"]) == (422, "movies.person_unknown")
    assert (await desk.ask("GET", "/films")).json()["items"] == []


async def test_what_films_name_stays_until_they_name_it_no_more(desk: Desk) -> None:
    made = await desk.ask("POST", "/genres", json={"slug": "noir", "names": {"ru": "нуар", "en": "Noir"}})
    noir, person = made.json()["id"], await desk.person("Anna")
    film_id = await desk.film(genres=("noir",), credits=[{"person_id": person, "role": "actor"}])
    for path in (f"/genres/{noir}", f"/persons/{person}"):
        answer = await desk.ask("DELETE", path)
        assert (answer.status_code, answer.json()["code"]) == (409, "movies.in_use")
    await desk.ask("DELETE", f"/films/{film_id}")
    for path in (f"/genres/{noir}", f"/persons/{person}"):
        assert (await desk.ask("DELETE", path)).status_code == 204


async def test_a_genre_and_a_person_can_be_named_otherwise(client: httpx.AsyncClient, desk: Desk) -> None:
    person = await desk.person("Anna")
    names = {"names": {"ru": "Анна", "en": "Hannah"}}
    assert (await desk.ask("PUT", f"/persons/{person}", json=names)).json()["names"] == names["names"]
    assert (await client.get(f"/movies/api/v1/persons/{person}")).json()["name"] == "Hannah"
    drama = await desk.genre("drama")
    await desk.ask("PUT", f"/genres/{drama}", json={"names": {"ru": "Драма", "en": "Drama film"}})
    assert (await client.get(f"/movies/api/v1/genres/{drama}")).json()["name"] == "Drama film"
    taken = await desk.ask("POST", "/genres", json={"slug": "drama", "names": {"ru": "д", "en": "d"}})
    assert (taken.status_code, taken.json()["code"]) == (409, "movies.genre_taken")


async def test_under_a_key_a_film_is_made_once(desk: Desk) -> None:
    body = film_body(genre_ids=[await desk.genre("drama")])
    key = {"Idempotency-Key": "one"}
    first = await desk.ask("POST", "/films", json=body, headers=key)
    again = await desk.ask("POST", "/films", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    other = await desk.ask("POST", "/films", json={**body, "year": 1980}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
    assert len((await desk.ask("GET", "/films")).json()["items"]) == 1
    for _ in range(2):
        assert (await desk.ask("POST", "/films", json=body)).status_code == 201
    assert len((await desk.ask("GET", "/films")).json()["items"]) == 3


def test_the_service_has_its_roles() -> None:
    movies = BY_NAME["movies"]
    assert (movies.prefixes, movies.has_worker, movies.in_production) == (("movies",), True, True)


async def test_staff_find_films_by_a_part_of_a_title_and_by_whether_they_are_live(desk: Desk) -> None:
    live = await desk.film("The Night Train")
    draft = await desk.film("Nightfall", is_published=False, titles={"ru": "Сумерки 100%", "en": "Nightfall"})

    async def found(**query: object) -> set[str]:
        answer = await desk.ask("GET", "/films", params=query)
        return {film["id"] for film in answer.json()["items"]}

    assert await found(title="night") == {live, draft}
    assert await found(title="NIGHT t") == {live}
    assert await found(title="сумерки") == {draft}
    assert await found(title="%") == await found(title="n_ght") == set()
    assert await found(is_published=True) == {live}
    assert await found(is_published=False, title="night") == {draft}
    assert (await desk.ask("GET", "/films", params={"title": "\x00"})).status_code == 422


async def test_staff_find_people_by_a_part_of_a_name_in_either_language(desk: Desk) -> None:
    anna = await desk.person("Anna Ivanova", "Анна Иванова")
    await desk.person("Boris")

    async def found(name: str) -> set[str]:
        answer = await desk.ask("GET", "/persons", params={"name": name})
        return {person["id"] for person in answer.json()["items"]}

    assert await found("ivan") == await found("ИВАН") == {anna}
    assert await found("nobody") == set()


async def test_a_change_of_a_film_that_somebody_changed_meanwhile_is_refused(desk: Desk) -> None:
    person = await desk.person("Anna", "Анна")
    film_id = await desk.film("Stalker", credits=[{"person_id": person, "role": "actor"}])
    seen = (await desk.ask("GET", f"/films/{film_id}")).json()
    assert seen["people"] == {person: {"ru": "Анна", "en": "Anna"}}
    drama = await desk.genre("drama")
    mine = film_body("Mine", genre_ids=[drama], changed_at=seen["changed_at"])
    assert (await desk.ask("PUT", f"/films/{film_id}", json=mine)).status_code == 200
    late = await desk.ask("PUT", f"/films/{film_id}", json={**mine, "titles": {"ru": "т", "en": "Theirs"}})
    assert (late.status_code, late.json()["code"]) == (409, "movies.film_changed")
    assert (await desk.ask("GET", f"/films/{film_id}")).json()["titles"]["en"] == "Mine"
    careless = film_body("Careless", genre_ids=[drama])
    assert (await desk.ask("PUT", f"/films/{film_id}", json=careless)).status_code == 200
