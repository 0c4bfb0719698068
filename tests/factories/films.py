"""Films of the house, made by its staff over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.factories.house import OpenHouse
from tests.movies.desk import Desk

FREE_FILM = "0197a000-0000-7000-8000-000000000003"
"""Battleship Potemkin."""
FILM_FOR_SALE = "0197a000-0000-7000-8000-000000000001"
"""Metropolis."""


@asynccontextmanager
async def open_desk(house: OpenHouse) -> AsyncIterator[Desk]:
    """Sit down at the editors' desk as the demo's superuser."""
    transport = httpx.ASGITransport(app=house.doors)
    async with httpx.AsyncClient(transport=transport, base_url=house.url) as http:
        form = {"username": "admin", "password": "admin"}
        token = (await http.post("/auth/api/v1/jwt/login", data=form)).json()["access_token"]
        yield Desk(http, {"Authorization": f"Bearer {token}"})


async def make_film(house: OpenHouse, title: str, **changes: Any) -> str:
    """Make a film that is live, unless `changes` say otherwise; gives its id."""
    async with open_desk(house) as desk:
        return await desk.film(title, **changes)
