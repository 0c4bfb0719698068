"""Following short links, and who sees how often that was done."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.factories.auth_door import AuthDoor
from theatre.kit.clock import MovableClock
from theatre.short_link.codes import new_code

URL = "https://pay.example/checkout"


async def make(client: httpx.AsyncClient, auth: AuthDoor, user_id: UUID | None = None) -> str:
    body = {"url": URL, "purpose": "payment", "user_id": user_id and str(user_id), "ttl_seconds": 60}
    answer = await client.post("/short_link/internal/v1/links", json=body, headers=auth.service())
    return str(answer.json()["code"])


async def read_stats(client: httpx.AsyncClient, code: str, headers: dict[str, str]) -> httpx.Response:
    return await client.get(f"/short_link/api/v1/links/{code}/stats", headers=headers)


async def count(client: httpx.AsyncClient, auth: AuthDoor, code: str) -> int:
    stats: dict[str, Any] = (await read_stats(client, code, auth.user(uuid4(), is_superuser=True))).json()
    return int(stats["clicks"])


async def test_following_sends_no_referrer_and_is_never_cached(
    client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    """RELIABILITY S-L5."""
    answer = await client.get(f"/s/{await make(client, auth)}")
    assert answer.status_code == 302
    assert answer.headers.get_list("location") == [URL]
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    assert answer.content == b""


async def test_robots_that_open_a_link_change_nothing_but_the_count(
    client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    """CORRECTNESS W15; RELIABILITY S-L4."""
    code = await make(client, auth)
    answers = [await client.get(f"/s/{code}") for _ in range(3)]
    assert {answer.headers["location"] for answer in answers} == {URL}
    assert await count(client, auth, code) == 3


async def test_a_head_request_is_answered_alike_and_not_counted(
    client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    code = await make(client, auth)
    answer = await client.head(f"/s/{code}")
    assert (answer.status_code, answer.headers["location"]) == (302, URL)
    assert await count(client, auth, code) == 0


async def test_an_expired_link_is_gone_and_not_counted(
    client: httpx.AsyncClient, auth: AuthDoor, clock: MovableClock
) -> None:
    code = await make(client, auth)
    clock.advance(timedelta(seconds=61))
    for answer in (await client.get(f"/s/{code}"), await client.head(f"/s/{code}")):
        assert answer.status_code == 410
        assert "location" not in answer.headers
    gone = (await client.get(f"/s/{code}")).json()
    assert (gone["code"], gone["status"]) == ("short_link.expired", 410)
    assert await count(client, auth, code) == 0


UNKNOWN = [
    "x",
    "a" * 300,
    "2" * 23,
    "2" * 22 + "0",
    "%00",
    "%ff%fe",
    "..%2f",
    "{{7*7}}",
    "%0d%0a",
    "' OR 1=1",
]


@pytest.mark.parametrize("code", UNKNOWN)
async def test_every_unknown_code_gets_the_same_answer(client: httpx.AsyncClient, code: str) -> None:
    """RELIABILITY S-L3."""
    answer = await client.get(f"/s/{code}")
    assert answer.status_code == 404
    if "%2f" not in code:
        body = answer.json()
        body.pop("request_id")
        assert body == {
            "type": "urn:theatre:problem:short_link.not_found",
            "title": "No such link",
            "status": 404,
            "detail": "No such link",
            "code": "short_link.not_found",
        }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_links_take_no_other_method(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, f"/s/{new_code()}")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


async def test_the_owner_sees_the_count(client: httpx.AsyncClient, auth: AuthDoor) -> None:
    owner = uuid4()
    code = await make(client, auth, owner)
    await client.get(f"/s/{code}")
    answer = await read_stats(client, code, auth.user(owner))
    assert answer.status_code == 200
    assert (answer.json()["clicks"], answer.json()["code"]) == (1, code)


async def test_staff_sees_the_count(client: httpx.AsyncClient, auth: AuthDoor) -> None:
    code = await make(client, auth, uuid4())
    assert (await read_stats(client, code, auth.user(uuid4(), "short_link.read"))).status_code == 200
    assert (await read_stats(client, code, auth.user(uuid4(), is_superuser=True))).status_code == 200


async def test_others_cannot_tell_a_foreign_link_from_none(client: httpx.AsyncClient, auth: AuthDoor) -> None:
    stranger = auth.user(uuid4(), "billing.read")
    answers = []
    for code in (await make(client, auth, uuid4()), await make(client, auth), new_code(), "x"):
        answer = await read_stats(client, code, stranger)
        answers.append({**answer.json(), "request_id": None})
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["status"] == 404


async def test_stats_are_not_for_the_anonymous_nor_for_services(
    client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    code = await make(client, auth)
    assert (await read_stats(client, code, {})).status_code == 401
    assert (await read_stats(client, code, auth.service())).status_code == 403
