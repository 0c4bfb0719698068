"""The whole product as one process: bought from, killed, stopped, started again."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

import theatre
from tests.flows.house import House, demo, own_house
from tests.flows.programs import status_of, until, until_ready
from tests.flows.shopping import (
    CARD_NEVER_TOLD,
    CARD_WITHOUT_QUESTIONS,
    go_to_the_hosted_page,
    pay_and_close_the_browser,
    shopper_at,
    status_of_payment,
)
from theatre.demo.shopper import Failed, Shopper
from theatre.registry import SERVICES

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("embedded_house")]


@pytest.fixture(scope="module")
async def kept_house() -> AsyncIterator[House]:
    """One house for this module, in whatever state the last test left it."""
    async with own_house() as house:
        yield house


@pytest.fixture
async def house(kept_house: House) -> House:
    """An open house."""
    if not kept_house.is_running:
        await kept_house.open()
    return kept_house


async def test_a_newcomer_buys_and_takes_the_money_back(house: House) -> None:
    await demo(house.url)


async def test_a_purchase_by_stripe_is_paid_and_given_back_and_its_signed_news_are_taken(
    house: House,
) -> None:
    async with shopper_at(house.url) as shopper:
        await buy_by_stripe(shopper)
        assert shopper.payment["provider"] == "stripe"
        await asyncio.to_thread(shopper.ask_refund)
        await asyncio.to_thread(shopper.wait_for_status, "refunded")
    expected = {"checkout.session.completed", "refund.created"}

    async def are_taken() -> bool:
        async with httpx.AsyncClient(base_url=house.url) as client:
            told = (await client.get("/sandbox/control/v1/notifications")).json()["items"]
        return expected <= {one["event"] for one in told if one["last_status"] == httpx.codes.OK}

    await until(are_taken)


async def buy_by_stripe(shopper: Shopper) -> None:
    """Buy what was chosen, until it is paid."""
    await asyncio.to_thread(shopper.create_payment)
    link = await asyncio.to_thread(
        shopper.ask,
        "POST",
        f"{shopper.payment_path}/checkout",
        json={"provider": "stripe"},
        headers={"Idempotency-Key": "by-stripe"},
    )
    shopper.payment |= link
    await asyncio.to_thread(shopper.open_hosted_page)
    await pay_and_close_the_browser(shopper, "4242424242424242")
    await asyncio.to_thread(shopper.wait_for_status, "paid")


async def test_a_disputed_purchase_loses_its_rights_and_gets_them_back_when_the_dispute_is_won(
    house: House,
) -> None:
    """R2, R4: through every process and queue of the house."""
    async with shopper_at(house.url) as shopper, httpx.AsyncClient(base_url=house.url) as tester:
        await buy_by_stripe(shopper)
        await until_may_watch(shopper, expected=True)
        listed = (await tester.get("/sandbox/control/v1/operations?limit=100")).json()["items"]
        there = [one["payment_id"] for one in listed if one["kind"] == "capture"][-1]
        opened = await tester.post(f"/sandbox/control/v1/payments/{there}/disputes", json={})
        assert opened.status_code == httpx.codes.CREATED, opened.text
        await until_may_watch(shopper, expected=False)
        with pytest.raises(Failed, match=r"409 billing\.payment_disputed"):
            await asyncio.to_thread(shopper.ask_refund)
        won = await tester.post(f"/sandbox/control/v1/disputes/{opened.json()['id']}/win")
        assert won.is_success, won.text
        await until_may_watch(shopper, expected=True)


async def until_may_watch(shopper: Shopper, *, expected: bool) -> None:
    """Wait until a shopper may watch, or may no more."""

    async def is_so() -> bool:
        try:
            await asyncio.to_thread(shopper.check_right, expected=expected)
        except Failed:
            return False
        return True

    await until(is_so, seconds=30)


async def test_every_service_is_alive_and_ready(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        answers = [
            await client.get(f"/{service.name}/api/{door}")
            for service in SERVICES
            for door in ("_health", "_ready", "openapi.json")
        ]
    assert {str(answer.url): answer.status_code for answer in answers if answer.status_code != 200} == {}


@pytest.mark.parametrize(
    "path",
    [
        "/billing/internal/v1/x",
        "/auth/internal/v1/revocations",
        "/auth/%69nternal/v1/revocations",
        "/web/internal",
    ],
)
async def test_internal_doors_are_not_there_for_people(house: House, path: str) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "kit.not_found"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "path", ["/nosuch/api/v1/x", "/billing/api/v1/nosuch", "/billing", "/auth/..%2fbilling"]
)
async def test_unknown_paths_are_problems_too(house: House, path: str) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_purchase_cut_off_by_kill_9_completes_after_the_next_start(house: House) -> None:
    """CONTRACT 2: what the provider accepted is paid within 60 s of the restart; nobody has to come back for it."""
    await house.stop()
    await house.open(PAYMENT_JANITOR_SECONDS="600")
    async with shopper_at(house.url) as patient, shopper_at(house.url) as hasty:
        await go_to_the_hosted_page(patient)
        await go_to_the_hosted_page(hasty)
        await pay_and_close_the_browser(patient, CARD_NEVER_TOLD)
        assert await status_of_payment(patient) == "pending"
        await pay_and_close_the_browser(hasty, CARD_WITHOUT_QUESTIONS)
        house.kill()
        await house.until_servers_are_gone()
        await house.open()
        await asyncio.to_thread(patient.wait_for_status, "paid")
        await asyncio.to_thread(hasty.wait_for_status, "paid")
        await asyncio.to_thread(hasty.check_right, expected=True)


async def test_stopping_takes_less_than_ten_seconds_and_keeps_everything(house: House) -> None:
    async with shopper_at(house.url) as shopper:
        await asyncio.to_thread(shopper.create_payment)
        started = time.monotonic()
        assert await house.stop() == 0, house.said()
        assert time.monotonic() - started < 10
        assert not house.servers()
        await house.open()
        assert await status_of_payment(shopper) == "unpaid"


async def test_a_second_house_on_the_same_port_says_so_and_touches_nothing(house: House) -> None:
    async with own_house() as second:
        second.start(THEATRE_PORT=str(house.port))
        assert await second.finish() == 2
        assert f"port {house.port} of 127.0.0.1 is taken" in second.said()
        assert not second.home.exists()


async def test_a_second_start_of_the_same_house_says_so_and_leaves_the_first_alone(house: House) -> None:
    async with own_house() as second:
        second.start(THEATRE_HOME=str(house.home))
        assert await second.finish() == 2
        assert "keeps the servers" in second.said()
    async with httpx.AsyncClient(base_url=house.url) as client:
        assert (await client.get("/auth/api/_ready")).status_code == 200


async def test_reset_starts_from_nothing(house: House) -> None:
    async with shopper_at(house.url) as shopper:
        await house.stop()
        await house.open("--reset")
        with pytest.raises(Failed, match="LOGIN_BAD_CREDENTIALS"):
            await asyncio.to_thread(shopper.sign_in)


async def test_code_that_changes_restarts_the_services_and_not_the_servers() -> None:
    async with own_house() as house:
        await house.open("--reload")
        before = set(house.servers())
        Path(theatre.__file__).touch()
        await until_starting(house)
        await until_ready(f"{house.url}/web/api/_ready", house)
        assert set(house.servers()) == before
        house.kill()
        await house.until_servers_are_gone()


async def until_starting(house: House) -> None:
    """Wait until the services are away or starting."""

    async def is_starting() -> bool:
        return await status_of(f"{house.url}/web/api/_ready") != httpx.codes.OK

    await until(is_starting)
