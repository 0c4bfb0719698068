"""One process per role behind the gateway: the purchase, the gateway's manners, and the faults between processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.conftest import MISSING, skip_without
from tests.databases import fresh_database
from tests.flows.gateway import find_nginx
from tests.flows.house import demo
from tests.flows.roles import Deployment, Servers, own_deployment
from tests.flows.shopping import (
    CARD_WITHOUT_QUESTIONS,
    go_to_the_hosted_page,
    pay_and_close_the_browser,
    shopper_at,
    status_of_payment,
)
from tests.kit.proxy import Proxy
from tests.services import Services
from theatre.demo.shopper import Failed, Shopper
from theatre.registry import BY_NAME

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("roles")]

LARGE = 3 * 1024 * 1024


@pytest.fixture(scope="module")
async def broker_way(amqp_url: str) -> AsyncIterator[Proxy]:
    """The way of all roles but one to the broker."""
    async with Proxy(amqp_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def worker_way(amqp_url: str) -> AsyncIterator[Proxy]:
    """The way of billing's worker to the broker."""
    async with Proxy(amqp_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def database_url(services: Services) -> AsyncIterator[str]:
    """A database that no other test writes to: relays of a deployment would send what they find there."""
    skip_without("PostgreSQL", services.postgres_url, services)
    async with fresh_database(services.postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
async def deployment(
    database_url: str, redis_url: str, broker_way: Proxy, worker_way: Proxy
) -> AsyncIterator[Deployment]:
    """The deployed product."""
    nginx = find_nginx()
    if nginx is None:
        pytest.skip(f"{MISSING}nginx (not installed: ./run_tests.sh --install)")
    servers = Servers(database_url, redis_url, broker_way.url, {"work billing": worker_way.url})
    async with own_deployment(servers, nginx=nginx) as deployed:
        yield deployed


async def fetch(deployment: Deployment, statement: str, *arguments: object) -> int:
    """Ask the database for a number."""
    connection = await asyncpg.connect(deployment.servers.database_url)
    try:
        return int(await connection.fetchval(statement, *arguments))
    finally:
        await connection.close()


async def captures_of(deployment: Deployment, shopper: Shopper) -> int:
    """Count how often the ledger has captured a shopper's payment."""
    statement = "SELECT count(*) FROM billing.ledger_entry WHERE payment_id = $1 AND kind = 'capture'"
    return await fetch(deployment, statement, UUID(shopper.payment["id"]))


async def mails_of(shopper: Shopper) -> int:
    """Count the mails that name the sum of a shopper's payment."""
    mails = await asyncio.to_thread(shopper.ask, "GET", "/mail/api/v1/messages", params={"to": shopper.email})
    return sum(map(shopper.sum_is_in, mails["items"]))


async def buy(deployment: Deployment) -> None:
    """Let somebody else buy, to the mail; what stood in the queues before has had its turn then."""
    async with shopper_at(deployment.url) as shopper:
        await go_to_the_hosted_page(shopper)
        await pay_and_close_the_browser(shopper, CARD_WITHOUT_QUESTIONS)
        await asyncio.to_thread(shopper.wait_for_status, "paid")
        await asyncio.to_thread(shopper.wait_for_mail)


async def test_a_newcomer_buys_and_takes_the_money_back_through_the_gateway(deployment: Deployment) -> None:
    await demo(deployment.url)


@pytest.mark.parametrize(
    "path",
    [
        "/{}/internal",
        "/{}/internal/v1/x",
        "/{}/%69nternal/v1/x",
        "//{}//internal/v1/x",
        "/x/../{}/internal/v1/x",
        "/x/..%2f{}/internal/v1/x",
    ],
)
async def test_the_gateway_leads_to_no_internal_door(deployment: Deployment, path: str) -> None:
    async with httpx.AsyncClient() as client:
        for name in BY_NAME:
            # httpx would tidy the path up
            url = httpx.URL(deployment.url).copy_with(raw_path=path.format(name).encode())
            answer = await client.get(url)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
            assert answer.json()["code"] == "gateway.not_found"
            assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_body_too_large_is_refused_readably(deployment: Deployment) -> None:
    async with httpx.AsyncClient(base_url=deployment.url) as client:
        answer = await client.post("/auth/api/v1/register", content=b"x" * LARGE)
    assert (answer.status_code, answer.json()["code"]) == (413, "gateway.body_too_large")


async def test_headers_too_large_are_a_problem(deployment: Deployment) -> None:
    async with httpx.AsyncClient(base_url=deployment.url) as client:
        answer = await client.get("/", headers={"X-Long": "x" * 40_000})
    assert (answer.status_code, answer.json()["code"]) == (431, "gateway.headers_too_large")


async def test_a_service_that_is_away_is_answered_for_with_503(deployment: Deployment) -> None:
    role = deployment.roles["serve short_link"]
    role.kill()
    try:
        async with httpx.AsyncClient(base_url=deployment.url) as client:
            answer = await client.get("/s/nosuch")
        assert (answer.status_code, answer.json()["code"]) == (503, "gateway.unavailable")
        assert answer.headers["retry-after"]
    finally:
        role.start()
        await deployment.until_ready("serve short_link")


async def test_request_id_and_address_of_the_caller_reach_the_services(deployment: Deployment) -> None:
    async with shopper_at(deployment.url) as shopper:
        form = {"username": shopper.login, "password": shopper.password}
        headers = {"X-Forwarded-For": "203.0.113.7", "X-Request-Id": "asked-by-a-test"}
        answer = shopper.http.post("/auth/api/v1/jwt/login", data=form, headers=headers)
        assert answer.headers["x-request-id"] == "asked-by-a-test"
        history = shopper.ask("GET", "/auth/api/v1/users/me/login_history")
        assert history["items"][0]["address"] == "203.0.113.7"


async def test_people_pay_while_the_broker_is_down_and_all_is_settled_after(
    deployment: Deployment, broker_way: Proxy, worker_way: Proxy
) -> None:
    """W13; RELIABILITY 2.2, P1, P2, P4."""
    async with AsyncExitStack() as stack:
        shoppers = [await stack.enter_async_context(shopper_at(deployment.url)) for _ in range(2)]
        for way in (broker_way, worker_way):
            way.freeze()
            way.cut()
        try:
            for shopper in shoppers:
                await go_to_the_hosted_page(shopper)
                await pay_and_close_the_browser(shopper, CARD_WITHOUT_QUESTIONS)
                assert await status_of_payment(shopper) == "pending"
        finally:
            for way in (broker_way, worker_way):
                way.cut()
                way.thaw()
        for shopper in shoppers:
            await asyncio.to_thread(shopper.wait_for_status, "paid")
            await asyncio.to_thread(shopper.wait_for_mail)
            assert await captures_of(deployment, shopper) == 1


async def test_a_worker_killed_between_commit_and_ack_settles_once(
    deployment: Deployment, worker_way: Proxy
) -> None:
    """RELIABILITY 2.3, K16."""
    worker = deployment.roles["work billing"]
    async with shopper_at(deployment.url) as shopper:
        await go_to_the_hosted_page(shopper)
        worker_way.gag()
        try:
            await pay_and_close_the_browser(shopper, CARD_WITHOUT_QUESTIONS)
            await asyncio.to_thread(shopper.wait_for_status, "paid")
            worker.kill()
        finally:
            worker_way.cut()
            worker_way.ungag()
            worker.start()
        await asyncio.to_thread(shopper.wait_for_mail)
        await buy(deployment)
        assert await captures_of(deployment, shopper) == 1
        assert await mails_of(shopper) == 1


async def test_payment_service_killed_after_the_provider_accepted_goes_on_with_the_same_payment(
    deployment: Deployment,
) -> None:
    """RELIABILITY 2.3, K4: the provider's answer is lost and payment-service with it; one operation at the provider."""
    role = deployment.roles["serve payment"]
    async with shopper_at(deployment.url) as shopper:
        fault = {"kind": "cut_after", "method": "POST", "path": "/sandbox/v3/payments", "count": 1}
        shopper.ask("POST", "/sandbox/control/v1/faults", json=fault)
        await asyncio.to_thread(shopper.create_payment)
        with pytest.raises(Failed, match="503"):
            await asyncio.to_thread(shopper.check_out)
        role.kill()
        role.start()
        await deployment.until_ready("serve payment")
        for step in (shopper.check_out, shopper.open_hosted_page, shopper.pay):
            await asyncio.to_thread(step)
        await asyncio.to_thread(shopper.wait_for_status, "paid")
        statement = "SELECT count(*) FROM sandbox.payment WHERE metadata->>'payment_id' = $1"
        assert await fetch(deployment, statement, shopper.payment["id"]) == 1
