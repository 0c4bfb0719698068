"""Metrics of running houses, and what dashboard and alerts make of them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, ConfigDict, Field

from tests.flows.house import House, demo, own_house
from tests.flows.programs import THEATRE, Program, until, until_ready
from tests.rabbitmq import free_ports

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("roles")]

DEPLOY = Path(__file__).parents[2] / "deploy"
# what Prometheus itself knows of each target
OWN = {"up"}
OWN_LABELS = {"job", "instance", "le"}
REQUESTS = 40

Samples = dict[str, list[tuple[dict[str, str], float]]]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Annotations(Strict):
    """What an alert tells."""

    summary: str
    runbook: str


class Labels(Strict):
    """Who is told."""

    severity: Literal["page", "ticket"]


class Rule(Strict):
    """An alert rule of Prometheus."""

    alert: str
    expr: str
    for_: str = Field("0s", alias="for", pattern=r"^\d+[smh]$")
    labels: Labels
    annotations: Annotations


class Group(Strict):
    """Rules that are looked at together."""

    name: str
    rules: list[Rule]


class Rules(Strict):
    """The file."""

    groups: list[Group]


def list_rules() -> list[Rule]:
    text = (DEPLOY / "prometheus/alerts.yaml").read_text()
    return [rule for group in Rules.model_validate(yaml.safe_load(text)).groups for rule in group.rules]


def list_panel_queries() -> list[str]:
    board = json.loads((DEPLOY / "grafana/theatre.json").read_text())
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def selectors_in(expression: Any) -> Iterator[tuple[str, set[str]]]:
    """Give the metrics that an expression reads, with the labels that it chooses by."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression.name or "", {matcher.name for matcher in expression.matchers.matchers}
    for part in ("lhs", "rhs", "expr", "args", "vector_selector"):
        below = getattr(expression, part, None)
        for one in below if isinstance(below, list) else [below]:
            if one is not None:
                yield from selectors_in(one)


def grouped_by(query: str) -> set[str]:
    """Give the labels that an expression groups by."""
    lists = re.findall(r"\b(?:by|on) \(([^)]*)\)", query)
    return {label.strip() for labels in lists for label in labels.split(",")}


async def scrape(port: int) -> Samples:
    """Ask for metrics as Prometheus does."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
    found: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def total(samples: Samples, name: str, **labels: str) -> float:
    """Add up what a metric says where it has these labels."""
    return sum(value for has, value in samples.get(name, []) if labels.items() <= has.items())


@pytest.fixture(scope="module")
async def metrics_port() -> int:
    [port] = free_ports(1)
    return port


@pytest.fixture(scope="module")
async def house(metrics_port: int) -> AsyncIterator[House]:
    """A house in which somebody has bought and taken the money back."""
    async with own_house() as opened:
        await opened.open(THEATRE_METRICS_PORT=str(metrics_port))
        await demo(opened.url)
        yield opened


@pytest.fixture(scope="module")
async def samples(house: House, metrics_port: int) -> Samples:
    """What it tells when the jobs that measure have run."""
    found: Samples = {}

    async def is_measured() -> bool:
        found.update(await scrape(metrics_port))
        return {"theatre_cases_open", "theatre_queue_messages"} <= found.keys()

    await until(is_measured, seconds=40)
    return found


@pytest.mark.parametrize("query", [*(rule.expr for rule in list_rules()), *list_panel_queries()])
async def test_what_dashboard_and_alerts_ask_for_is_exported(query: str, samples: Samples) -> None:
    asked = dict(selectors_in(promql_parser.parse(query)))
    assert asked
    for name, labels in asked.items():
        if name not in OWN:
            assert samples.get(name), name
            assert labels <= {*samples[name][0][0], *OWN_LABELS}
    known = {label for name in asked for has, _ in samples.get(name, []) for label in has}
    assert grouped_by(query) <= known | OWN_LABELS


@pytest.mark.parametrize("rule", list_rules(), ids=lambda rule: rule.alert)
def test_an_alert_says_where_its_runbook_is(rule: Rule) -> None:
    words = re.findall(r"[A-Z][a-z]+", rule.alert)
    assert "".join(words) == rule.alert
    assert rule.annotations.runbook == f"docs/operations.md#{'-'.join(words).lower()}"


async def test_money_attempts_and_deliveries_are_counted_once(samples: Samples) -> None:
    captured = total(samples, "theatre_captured_minor_total", currency="RUB")
    assert captured > 0
    assert total(samples, "theatre_refunded_minor_total", currency="RUB") == captured
    assert total(samples, "theatre_attempts_total", provider="yookassa", outcome="succeeded") == 1
    assert total(samples, "theatre_attempts_total") == 1
    # a greeting, a link to verify the address, the purchase and the refund
    assert total(samples, "theatre_deliveries_total", outcome="sent") == 4
    assert total(samples, "theatre_provider_request_seconds_count", provider="yookassa", outcome="answered")


async def test_requests_are_counted_by_the_template_of_their_route(samples: Samples) -> None:
    routes = {has["route"] for has, _ in samples["theatre_http_request_seconds_count"]}
    assert "/billing/api/v1/payments/{payment_id}/checkout" in routes
    assert not [route for route in routes if re.search(r"[0-9a-f]{8}-", route)]


async def test_strangers_cannot_multiply_metrics(house: House, metrics_port: int) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        await client.request("BREW", "/no/such/place/1")
        await client.get("/billing/no/such/place/2")
    told = json.dumps(await scrape(metrics_port))
    assert "no/such/place" not in told
    assert "BREW" not in told


async def test_metrics_are_not_to_be_had_at_the_public_door(house: House) -> None:
    """S-G1."""
    async with httpx.AsyncClient(base_url=house.url) as client:
        answers = [
            await client.get(path) for path in ("/metrics", "/billing/metrics", "/billing/api/metrics")
        ]
    assert {answer.status_code for answer in answers} == {404}


async def test_processes_of_one_role_count_together(tmp_path: Path) -> None:
    port, metrics_port = free_ports(2)
    command = [*THEATRE, "serve", "web", "--port", str(port), "--workers", "2"]
    program = Program(command, {"THEATRE_METRICS_PORT": str(metrics_port)}, tmp_path / "web.log")
    url = f"http://127.0.0.1:{port}/web/api/_health"
    program.start()
    try:
        await until_ready(url, program)
        before = total(await scrape(metrics_port), "theatre_http_request_seconds_count", service="web")
        # each on a connection of its own, so that both processes have some
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=limits) as client:
            await asyncio.gather(*(client.get(url) for _ in range(REQUESTS)))
        after = total(await scrape(metrics_port), "theatre_http_request_seconds_count", service="web")
        assert after - before == REQUESTS
    finally:
        await program.stop()
