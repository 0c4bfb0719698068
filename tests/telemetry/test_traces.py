"""Traces of real houses at a real receiver: one purchase is one trace, from the press of the button to the e-mail."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conftest import MISSING, skip_without
from tests.databases import fresh_database
from tests.flows.gateway import find_nginx
from tests.flows.house import own_house
from tests.flows.programs import until
from tests.flows.roles import Servers, own_deployment
from tests.notification.sink import Sink, open_sink
from tests.services import Services
from tests.telemetry.collector import Collector, Spans, running_collector
from tests.web.test_buying import CARD, pay, press_buy
from tests.web.visitor import PASSWORD, Visitor

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("roles")]

# cookies that are no more than a choice of language are no secret
SHORT = 16
# what happens between the press of the button and the mail, each in its own process where there are several
ROAD = [
    ("web", "POST /buy"),
    ("billing", "POST /billing/api/v1/payments/{payment_id}/checkout"),
    ("payment", "POST /payment/internal/v1/attempts"),
    ("short_link", "POST /short_link/internal/v1/links"),
    ("payment", "attempt succeeded"),
    ("payment-worker", "send payment.attempt.succeeded"),
    ("billing-worker", "consume payment.attempt.succeeded"),
    ("billing-worker", "send billing.payment.paid"),
    ("billing-worker", "consume billing.payment.paid"),
    ("notification", "POST /notification/internal/v1/events/payment_status"),
    ("notification-worker", "deliver"),
    ("notification-worker", "SMTP send"),
]


@pytest.fixture
async def collector(tmp_path: Path) -> AsyncIterator[Collector]:
    async with running_collector(tmp_path) as running:
        yield running


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """A mail server."""
    async with open_sink() as opened:
        yield opened


async def buy_at(url: str, sink: Sink) -> Visitor:
    """Buy in the storefront as a person does, and wait for the mail that tells of it."""
    buyer = Visitor(None, url)
    async with buyer.http:
        await buyer.join()
        start = await press_buy(buyer)
        await pay(buyer, start.headers["location"], CARD)

    async def is_told() -> bool:
        return len([mail for mail in sink.caught if buyer.login in mail.recipients[0]]) > 1

    await until(is_told)
    return buyer


def check_it_is_whole(trace: Spans) -> None:
    """Every span hangs below another one of the trace, but the press of the button."""
    ids = {span["id"] for span in trace}
    roots = [span for span in trace if span["parent"] not in ids]
    assert [(root["service"], root["name"]) for root in roots] == [("web", "POST /buy")]
    assert not [span["name"] for span in trace if span["is_failed"]]


def check_it_is_discreet(spans: Spans, *secrets: str) -> None:
    """No span says for whom or with what."""
    told = json.dumps([{**span, "resource": None} for span in spans])
    assert not [secret for secret in secrets if secret in told]
    assert not [span for span in spans if span["words"] or span["events"]]
    assert not [span["name"] for span in spans for value in span["attributes"].values() if "?" in str(value)]


async def test_a_purchase_is_one_trace_from_the_button_to_the_mail(collector: Collector, sink: Sink) -> None:
    async with own_house() as house:
        await house.open(**collector.environment, SMTP_URL=sink.url)
        buyer = await buy_at(house.url, sink)
        trace = await collector.trace_with(ROAD)
        check_it_is_whole(trace)
        drivers = {span["attributes"].get("db.system.name") for span in trace}
        assert {"postgresql", "redis"} <= drivers
        asked = [span for span in trace if span["attributes"].get("url.path") == "/sandbox/v3/payments"]
        assert [(span["service"], span["kind"]) for span in asked] == [("payment", "CLIENT")]
        # the callback came in a trace of its own, which is linked
        [settled] = [span for span in trace if span["name"] == "attempt succeeded"]
        assert settled["links"]
        assert settled["links"] != [settled["trace"]]
        cookies = [value for value in buyer.http.cookies.values() if len(value) > SHORT]
        assert cookies
        secrets = (buyer.login, "example.com", PASSWORD, CARD["card_number"], *cookies)
        check_it_is_discreet(await collector.spans(), *secrets)


async def test_a_purchase_is_one_trace_over_all_roles_and_rabbitmq(
    collector: Collector, sink: Sink, services: Services, redis_url: str, amqp_url: str
) -> None:
    skip_without("PostgreSQL", services.postgres_url, services)
    nginx = find_nginx()
    if nginx is None:
        pytest.skip(f"{MISSING}nginx (not installed: ./run_tests.sh --install)")
    async with AsyncExitStack() as stack:
        database_url = await stack.enter_async_context(fresh_database(services.postgres_url))
        servers = Servers(database_url, redis_url, amqp_url, {})
        further = {**collector.environment, "SMTP_URL": sink.url}
        deployed = await stack.enter_async_context(own_deployment(servers, nginx=nginx, further=further))
        await buy_at(deployed.url, sink)
        check_it_is_whole(await collector.trace_with(ROAD))


async def test_the_sampler_is_the_one_that_the_standard_variables_name(
    collector: Collector, sink: Sink
) -> None:
    async with own_house() as house:
        sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
        await house.open(**collector.environment, **sampler, SMTP_URL=sink.url)
        await buy_at(house.url, sink)
        wanted = f"00-{'a' * 32}-{'b' * 16}-01"
        visitor = Visitor(None, house.url)
        async with visitor.http:
            async with asyncio.timeout(10):
                await visitor.http.get("/plans", headers={"traceparent": wanted})
        trace = await collector.trace_with([("web", "GET /plans")])
        assert {span["trace"] for span in await collector.spans()} == {"a" * 32}
        assert "b" * 16 in {span["parent"] for span in trace}
