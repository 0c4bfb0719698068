"""Defects of a real house at a real server of Sentry's kind."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.house import own_house
from tests.flows.programs import until, until_ready
from tests.flows.shopping import (
    CARD_WITHOUT_QUESTIONS,
    go_to_the_hosted_page,
    pay_and_close_the_browser,
    shopper_at,
)
from tests.telemetry.bugsink import Bugsink, running_bugsink, skip_without_bugsink
from theatre import __version__

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("roles")]

BROKEN = [sys.executable, str(Path(__file__).with_name("broken_house.py")), "up"]
PLACES = {"route", "queue", "job"}
REQUEST_ID = "asked-by-a-test"


@pytest.fixture
async def bugsink(tmp_path: Path) -> AsyncIterator[Bugsink]:
    skip_without_bugsink()
    async with running_bugsink(tmp_path) as running:
        yield running


async def test_defects_of_routes_consumers_and_jobs_are_told_without_what_they_know(bugsink: Bugsink) -> None:
    """S-G7."""
    secret = secrets.token_urlsafe(32)
    async with own_house() as house:
        house.command = BROKEN
        house.start(SENTRY_DSN=bugsink.dsn, PLANTED_SECRET=secret)
        await until_ready(f"{house.url}/web/api/_ready", house)
        async with shopper_at(house.url) as shopper:
            await go_to_the_hosted_page(shopper)
            await pay_and_close_the_browser(shopper, CARD_WITHOUT_QUESTIONS)
            headers = {"X-Request-Id": REQUEST_ID, "Cookie": f"theatre_session={secret}"}
            path = "/billing/api/v1/entitlements/check"
            answer = await asyncio.to_thread(
                shopper.http.get, path, params={"film_id": shopper.price["id"]}, headers=headers
            )
            assert answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR
            assert secret not in answer.text
            told_by_header = shopper.http.headers["Authorization"].partition(" ")[2]

        def told() -> dict[str, Any]:
            return {(PLACES & event["tags"].keys()).pop(): event for event in bugsink.events()}

        async def are_told() -> bool:
            return told().keys() == PLACES

        await until(are_told, otherwise=lambda: str(told().keys()))
    events = told()
    tags = {place: event["tags"] for place, event in events.items()}
    assert tags["route"]["route"] == f"GET {path}"
    assert tags["route"]["request_id"] == REQUEST_ID
    assert tags["queue"]["queue"] == "worker-billing-notify.outcomes"
    assert tags["queue"]["message"] == "payment.attempt.succeeded"
    assert tags["job"]["job"] == "expire payments"
    for place, event in events.items():
        assert tags[place]["service"] == ("billing" if place == "route" else "billing-worker")
        assert tags[place]["request_id"]
        assert (event["release"], event["environment"]) == (f"online-theatre@{__version__}", "development")
        assert len(event["contexts"]["trace"]["trace_id"]) == 32
        [defect] = event["exception"]["values"]
        assert defect["type"] == "Planted"
        assert defect["stacktrace"]["frames"][-1]["function"] == "break_down"
    written = bugsink.contents()
    for known in (secret, shopper.email, shopper.login, shopper.password, told_by_header):
        assert known.encode() not in written
