"""A film in the whole house: found however it is spelt, shut, paid for, open."""

import asyncio
from typing import Any

import httpx

from tests.factories.house import OpenHouse
from tests.flows.shopping import (
    CARD_WITHOUT_QUESTIONS,
    go_to_the_hosted_page,
    pay_and_close_the_browser,
    shopper_at,
)


async def test_a_film_that_is_found_is_shut_until_a_plan_is_paid_for(house: OpenHouse) -> None:
    async with shopper_at(house.url) as shopper:
        await asyncio.to_thread(shopper.find_ready)

        async def get(path: str, **query: Any) -> httpx.Response:
            return await asyncio.to_thread(shopper.http.get, path, params=query)

        found = (await get("/movies/api/v1/films/search", query="сталкир")).json()["items"][0]
        assert found["original_title"] == "Сталкер"
        playback = f"/movies/api/v1/films/{found['id']}/playback"
        shut = await get(playback)
        assert shut.status_code == 402
        assert shopper.price["id"] in {
            price["id"] for product in shut.json()["products"] for price in product["prices"]
        }

        await go_to_the_hosted_page(shopper)
        await pay_and_close_the_browser(shopper, CARD_WITHOUT_QUESTIONS)
        await asyncio.to_thread(shopper.wait_for_status, "paid")

        opened = await get(playback)
        assert opened.status_code == 200, opened.text
        assert (await get(opened.json()["url"])).text.startswith("#EXTM3U")
        assert (await get("/movies/internal/v1/anything")).status_code == 404
