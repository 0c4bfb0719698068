"""Films by the table: good rows count, bad ones are reported with their line."""

import json
from typing import Any

import httpx
import pytest

from tests.movies.desk import Desk

HEAD = (
    "title_ru,title_en,original_title,year,runtime_minutes,age,countries,genres,directors,actors,"
    "description_ru,description_en,is_published"
)
GOOD = (
    "Брат,Brother,Брат,1997,100,18,RU,crime;drama,"
    "Aleksei Balabanov=Алексей Балабанов,Sergei Bodrov,Даня.,Danya.,true"
)


async def send(desk: Desk, *rows: str, kind: str = "text/csv") -> httpx.Response:
    content = "\r\n".join([HEAD, *rows] if kind == "text/csv" else rows)
    return await desk.ask("POST", "/films/import", content=content.encode(), headers={"Content-Type": kind})


async def test_good_rows_count_and_bad_ones_are_reported(client: httpx.AsyncClient, desk: Desk) -> None:
    bad_year = GOOD.replace("1997", "1797").replace("Brother", "Old")
    bad_genre = GOOD.replace("crime;drama", "noise").replace("Brother", "Loud")
    short = "Один,One"
    report = (await send(desk, bad_year, GOOD, bad_genre, GOOD, short)).json()
    assert (report["created"], report["replaced"]) == (1, 0)
    faults = {fault["line"]: (fault["field"], fault["code"]) for fault in report["faults"]}
    assert faults[2] == ("year", "greater_than_equal")
    assert faults[4] == ("genres", "movies.genre_unknown")
    assert faults[5] == ("title_en", "movies.film_known")
    assert faults[6][1] == "missing"
    (film,) = (await client.get("/movies/api/v1/films", headers={"Accept-Language": "ru"})).json()["items"]
    assert film["title"] == "Брат"
    assert film["directors"][0]["name"] == "Алексей Балабанов"
    assert film["actors"][0]["name"] == "Sergei Bodrov"


async def test_a_person_is_met_again_in_the_next_table(client: httpx.AsyncClient, desk: Desk) -> None:
    await send(desk, GOOD)
    second = GOOD.replace("Brother", "Brother 2").replace(
        "Aleksei Balabanov=Алексей Балабанов", "aleksei balabanov"
    )
    assert (await send(desk, second)).json()["created"] == 1
    people = (await client.get("/movies/api/v1/persons")).json()["items"]
    assert [person["name"] for person in people] == ["Aleksei Balabanov", "Sergei Bodrov"]


async def test_json_lines_say_the_same_and_an_id_replaces(client: httpx.AsyncClient, desk: Desk) -> None:
    line: dict[str, Any] = dict(zip(HEAD.split(","), GOOD.split(","), strict=True))
    line |= {"year": 1997, "genres": ["crime"], "is_published": True}
    kind = "application/x-ndjson"
    line["id"] = "0197a000-0000-7000-8000-0000000000aa"
    assert (await send(desk, json.dumps(line), "", kind=kind)).json()["created"] == 1
    changed = json.dumps({**line, "year": 1998})
    report = (await send(desk, changed, changed, kind=kind)).json()
    assert (report["created"], report["replaced"]) == (0, 1)
    assert [(fault["line"], fault["code"]) for fault in report["faults"]] == [(2, "movies.film_known")]
    film = (await client.get(f"/movies/api/v1/films/{line['id']}")).json()
    assert film["year"] == 1998
    assert [genre["slug"] for genre in film["genres"]] == ["crime"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"title_ru\nA", "text/csv", 400),
        (b"\xff\xfe", "text/csv", 400),
        (b"{", "application/x-ndjson", 400),
        (b"", "text/csv", 400),
        (b"[]", "application/json", 415),
        (b"7", "application/x-ndjson", 201),
    ],
)
async def test_what_is_no_table_is_refused_whole(desk: Desk, content: bytes, kind: str, status: int) -> None:
    answer = await desk.ask("POST", "/films/import", content=content, headers={"Content-Type": kind})
    expected = 200 if status == 201 else status
    assert answer.status_code == expected, answer.text
    assert (await desk.ask("GET", "/films")).json()["items"] == []
