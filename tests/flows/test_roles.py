"""The compose file's roles as processes behind the gateway: the purchase, and the faults between processes."""

import asyncio
import time
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
from theatre.demo.forms import read_form
from theatre.demo.shopper import Failed, Shopper

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("roles")]

SLOW_HEADS, SLOW_BODIES = 5000, 20
SLOW_BODY = (
    b"POST /auth/api/v1/register HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\nContent-Type: a/b\r\n\r\n"
)
CLOSED_WITHIN_SECONDS = 30
SERVED_SECONDS = 5


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


async def test_request_id_and_address_of_the_caller_reach_the_services(deployment: Deployment) -> None:
    async with shopper_at(deployment.url) as shopper:
        form = {"username": shopper.login, "password": shopper.password}
        headers = {"X-Forwarded-For": "203.0.113.7", "X-Request-Id": "asked-by-a-test"}
        answer = shopper.http.post("/auth/api/v1/jwt/login", data=form, headers=headers)
        assert answer.headers["x-request-id"] == "asked-by-a-test"
        history = shopper.ask("GET", "/auth/api/v1/users/me/login_history")
        assert history["items"][0]["address"] == "203.0.113.7"


async def test_who_signs_in_on_the_pages_is_known_by_the_address_of_the_browser(
    deployment: Deployment,
) -> None:
    async with shopper_at(deployment.url) as shopper:
        headers = {"X-Forwarded-For": "203.0.113.8", "Accept": "text/html"}
        account = {"login": shopper.login, "password": shopper.password}
        form = read_form(shopper.http.get("/signin", headers=headers), account)
        assert form is not None
        words = form.filled(account)
        answer = shopper.http.request(form.method, form.action, data=words, headers=headers)
        assert answer.status_code == httpx.codes.SEE_OTHER
        history = shopper.ask("GET", "/auth/api/v1/users/me/login_history")
        assert history["items"][0]["address"] == "203.0.113.8"


async def test_those_who_send_slowly_are_sent_away_while_others_are_served(deployment: Deployment) -> None:
    """S-G3: 5,000 connections on which a head trickles in, some on which a body does; each is closed within 30 s."""
    port = int(deployment.url.rpartition(":")[2])
    begun = [b"GET / HTTP/1.1\r\nX-Slow: "] * SLOW_HEADS + [SLOW_BODY] * SLOW_BODIES
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in begun]
    for (_, writer), words in zip(connections, begun, strict=True):
        writer.write(words)
    answers = [asyncio.create_task(read_to_the_end(reader)) for reader, _ in connections]
    deadline = time.monotonic() + CLOSED_WITHIN_SECONDS
    while not all(answer.done() for answer in answers):
        assert time.monotonic() < deadline
        for _, writer in connections:
            writer.write(b"x" if not writer.is_closing() else b"")
        async with httpx.AsyncClient(base_url=deployment.url, timeout=SERVED_SECONDS) as client:
            assert (await client.get("/auth/api/_health")).status_code == httpx.codes.OK
        await asyncio.wait(answers, timeout=2)
    # the service itself gives up on bodies, so that no buffer waits for them
    assert [answer.result()[9:12] for answer in answers[SLOW_HEADS:]] == [b"408"] * SLOW_BODIES
    for _, writer in connections:
        writer.close()


async def read_to_the_end(reader: asyncio.StreamReader) -> bytes:
    """Read until the other side has had enough."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


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
