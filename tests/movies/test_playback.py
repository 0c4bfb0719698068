"""The gate: what is free, what a right opens, what would open the rest; and streams that only a ticket opens."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from tests.factories.auth_door import AuthDoor
from tests.movies.desk import Desk
from theatre.kit.clock import MovableClock

API = "/movies/api/v1"


@dataclass
class BillingDoor:
    """Billing as movies see it: who has a right to what, until when, and what is sold."""

    rights: dict[tuple[str, str], str | None] = field(default_factory=dict)
    is_away: bool = False

    def open_in(self, app: FastAPI) -> None:
        """Answer beside auth."""

        @app.post("/billing/internal/v1/plays")
        async def play(request: Request) -> Response:
            if self.is_away:
                return Response(status_code=503)
            asked = await request.json()
            key = (asked["user_id"], asked["film_id"])
            verdict = {"allowed": key in self.rights, "reason": "film", "expires_at": self.rights.get(key)}
            return httpx_response(verdict)

        @app.get("/billing/api/v1/products")
        async def products(request: Request) -> dict[str, Any]:
            asked = dict(request.query_params)
            language = request.headers["accept-language"]
            return {"items": [{"asked": asked, "language": language}], "next_cursor": None}


def httpx_response(content: dict[str, Any]) -> Response:
    return Response(httpx.Response(200, json=content).content, media_type="application/json")


@pytest.fixture
def billing(auth: AuthDoor) -> BillingDoor:
    door = BillingDoor()
    app = auth.transport.app
    assert isinstance(app, FastAPI)
    door.open_in(app)
    return door


@pytest.fixture
def viewer() -> UUID:
    return uuid4()


@pytest.fixture
async def visitor(
    client: httpx.AsyncClient, auth: AuthDoor, billing: BillingDoor, viewer: UUID
) -> httpx.AsyncClient:
    """A viewer who has signed in."""
    client.headers.update(auth.user(viewer))
    return client


async def play(client: httpx.AsyncClient, film_id: str, **headers: str) -> httpx.Response:
    return await client.get(f"{API}/films/{film_id}/playback", headers=headers)


async def test_a_free_film_really_plays(visitor: httpx.AsyncClient, desk: Desk) -> None:
    answer = await play(visitor, await desk.film(access="free"))
    assert answer.status_code == 200
    del visitor.headers["authorization"]
    playlist = await visitor.get(answer.json()["url"])
    assert playlist.headers["content-type"] == "application/vnd.apple.mpegurl"
    parts = [line for line in playlist.text.splitlines() if not line.startswith("#")]
    assert parts
    for part in parts:
        segment = await visitor.get(answer.json()["url"].replace("index.m3u8", part))
        assert segment.headers["content-type"] == "video/mp2t"
        # an MPEG transport stream: packets of 188 bytes that begin with the same byte
        assert len(segment.content) % 188 == 0
        assert set(segment.content[::188]) == {0x47}


async def test_nobody_watches_without_signing_in(client: httpx.AsyncClient, desk: Desk) -> None:
    assert (await play(client, await desk.film(access="free"))).status_code == 401


@pytest.mark.parametrize("access", ["subscription", "purchase"])
async def test_without_a_right_it_is_said_what_would_open_the_film(
    visitor: httpx.AsyncClient, desk: Desk, access: str
) -> None:
    film_id = await desk.film(access=access)
    answer = await play(visitor, film_id, **{"Accept-Language": "ru"})
    assert (answer.status_code, answer.json()["code"]) == (402, "movies.payment_required")
    assert answer.json()["products"] == [
        {"asked": {"film_id": film_id}, "language": "ru"},
        {"asked": {"kind": "plan"}, "language": "ru"},
    ]


async def test_a_right_opens_the_film_and_not_for_longer_than_it_lasts(
    visitor: httpx.AsyncClient, desk: Desk, billing: BillingDoor, viewer: UUID, clock: MovableClock
) -> None:
    film_id = await desk.film()
    soon = (clock.now() + timedelta(minutes=5)).replace(microsecond=0)
    billing.rights[str(viewer), film_id] = soon.isoformat()
    answer = await play(visitor, film_id)
    assert answer.json()["expires_at"] == soon.isoformat().replace("+00:00", "Z")
    assert (await visitor.get(answer.json()["url"])).status_code == 200
    clock.advance(timedelta(minutes=5))
    late = await visitor.get(answer.json()["url"])
    assert (late.status_code, late.json()["code"]) == (403, "movies.ticket_expired")


async def test_the_right_of_another_or_to_another_film_opens_nothing(
    visitor: httpx.AsyncClient, desk: Desk, billing: BillingDoor, viewer: UUID
) -> None:
    film_id, other = await desk.film("One"), await desk.film("Other")
    billing.rights[str(uuid4()), film_id] = None
    billing.rights[str(viewer), other] = None
    assert (await play(visitor, film_id)).status_code == 402
    assert (await play(visitor, other)).status_code == 200


async def test_a_film_is_shown_in_its_time_only(
    visitor: httpx.AsyncClient, desk: Desk, clock: MovableClock
) -> None:
    begins, ends = clock.now() + timedelta(minutes=2), clock.now() + timedelta(minutes=4)
    window = {"available_from": begins.isoformat(), "available_until": ends.isoformat()}
    film_id = await desk.film(access="free", **window)
    early = await play(visitor, film_id)
    assert (early.status_code, early.json()["code"]) == (403, "movies.not_yet")
    clock.advance(timedelta(minutes=3))
    in_time = await play(visitor, film_id)
    assert in_time.json()["expires_at"] == ends.isoformat().replace("+00:00", "Z")
    clock.advance(timedelta(minutes=1))
    assert (await play(visitor, film_id)).status_code == 404


async def test_with_billing_away_nothing_is_decided(
    visitor: httpx.AsyncClient, desk: Desk, billing: BillingDoor
) -> None:
    billing.is_away = True
    assert (await play(visitor, await desk.film())).status_code == 503
    assert (await play(visitor, await desk.film(access="free"))).status_code == 200


async def test_a_ticket_that_was_not_written_by_us_opens_nothing(
    visitor: httpx.AsyncClient, desk: Desk
) -> None:
    url = (await play(visitor, await desk.film(access="free"))).json()["url"]
    ticket = url.split("/")[-2]
    film, expires, signature = ticket.split(".")
    forged = [
        f"{uuid4().hex}.{expires}.{signature}",
        f"{film}.{int(expires) + 9}.{signature}",
        f"{film}.{expires}.{'A' * len(signature)}",
        f"{film}.{expires}.",
        "x",
        "é",
    ]
    for ticket in forged:
        answer = await visitor.get(f"{API}/streams/{ticket}/index.m3u8")
        assert (answer.status_code, answer.json()["code"]) == (404, "movies.ticket_invalid"), ticket
    assert (await visitor.get(url.replace("index.m3u8", "2.ts"))).status_code == 422
