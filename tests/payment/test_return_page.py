"""The page where people come back, and the state that it asks for."""

from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from tests.payment.stage import HOUSE, POOR_CARD, READ, Stage, order
from theatre.payment.models import Attempt


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def refreshes(self) -> list[str | None]:
        return [
            attributes["content"] for _, attributes in self.tags if attributes.get("http-equiv") == "refresh"
        ]


async def show(stage: Stage, attempt: dict[str, Any], **params: str) -> tuple[str, Tags]:
    """Open the page as a browser does."""
    response = await stage.caller().get(
        f"/payment/return/{attempt['id']}", params=params, headers={"Accept-Language": "en"}
    )
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response.text, Tags(response.text)


async def state(stage: Stage, attempt: dict[str, Any]) -> dict[str, Any]:
    """Ask for the state as the page's script does: without a token."""
    response = await stage.caller().get(f"/payment/api/v1/attempts/{attempt['id']}/state")
    assert response.status_code == 200
    said: dict[str, Any] = response.json()
    return said


async def test_while_the_outcome_is_open_the_page_refreshes_itself_with_and_without_scripts(
    stage: Stage,
) -> None:
    attempt = await stage.begin()
    html, tags = await show(stage, attempt)
    assert "Checking your payment" in html
    assert tags.refreshes() == ["3"]
    assert html.index("<noscript>") < html.index('http-equiv="refresh"') < html.index("</noscript>")
    assert f"/payment/api/v1/attempts/{attempt['id']}/state" in html
    assert "A month of films" in html
    assert await state(stage, attempt) == {"status": "pending"}


async def test_when_it_is_paid_the_page_says_so_and_goes_on(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    html, tags = await show(stage, attempt)
    assert "Paid" in html
    assert tags.refreshes() == [f"2; url={HOUSE}/payments/1"]
    assert not [tag for tag, _ in tags.tags if tag == "script"]
    assert await state(stage, attempt) == {"status": "succeeded"}


async def test_when_it_failed_the_page_says_why_in_the_readers_language(stage: Stage) -> None:
    attempt = await stage.begin()
    await stage.pay(attempt, POOR_CARD)
    await stage.call_back("payment.canceled", attempt["provider_reference"])
    html, tags = await show(stage, attempt, lang="ru")
    assert '<html lang="ru">' in html
    assert "На карте недостаточно средств." in html
    assert tags.refreshes() == [f"6; url={HOUSE}/payments/1"]
    assert await state(stage, attempt) == {"status": "failed"}


async def test_what_the_address_claims_has_no_effect(stage: Stage) -> None:
    """S-P5"""
    attempt = await stage.begin()
    html, _ = await show(stage, attempt, status="success", payment="succeeded")
    assert "Checking your payment" in html
    assert (await stage.row(attempt["id"])).status == "pending"


async def test_looking_changes_nothing_and_asks_nobody(stage: Stage) -> None:
    """W15, S-P4: link previews may come as often as they like."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    before = vars(await stage.row(attempt["id"]))
    for method in ("GET", "HEAD"):
        for path in (f"/payment/return/{attempt['id']}", f"/payment/api/v1/attempts/{attempt['id']}/state"):
            await stage.caller().request(method, path)
    after = vars(await stage.row(attempt["id"]))
    assert {name: value for name, value in after.items() if name[0] != "_"} == {
        name: value for name, value in before.items() if name[0] != "_"
    }
    assert stage.network.count(READ) == 0


async def test_the_page_runs_no_script_but_its_own(stage: Stage) -> None:
    """S-G5, S-G9"""
    attempt = await stage.begin(order(description='<script>alert(1)</script>"><svg onload=alert(1)>'))
    response = await stage.caller().get(f"/payment/return/{attempt['id']}")
    policy = response.headers["content-security-policy"]
    tags = Tags(response.text).tags
    scripts = [attributes for tag, attributes in tags if tag == "script"]
    assert len(scripts) == 1
    assert f"'nonce-{scripts[0]['nonce']}'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not [tag for tag, _ in tags if tag == "svg"]
    assert response.headers["cache-control"] == "no-store"
    again = await stage.caller().get(f"/payment/return/{attempt['id']}")
    assert again.headers["content-security-policy"] != policy


@pytest.mark.parametrize("path", ["/payment/return/{}", "/payment/api/v1/attempts/{}/state"])
async def test_an_unknown_attempt_is_not_found(stage: Stage, path: str) -> None:
    assert (await stage.caller().get(path.format(uuid4()))).status_code == 404
    assert (await stage.caller().get(path.format("1"))).status_code == 422


async def test_the_state_comes_from_redis_while_it_is_there_and_from_the_table_when_not(stage: Stage) -> None:
    """F-R1: no money state in Redis alone."""
    attempt = await stage.begin_paid()
    async with Redis.from_url(stage.settings.redis_url) as redis:
        assert await redis.get(f"payment:attempt:{attempt['id']}") == b"succeeded"
        assert await redis.ttl(f"payment:attempt:{attempt['id']}") > 3600
        await redis.flushdb()
        assert await state(stage, attempt) == {"status": "succeeded"}
        assert await redis.get(f"payment:attempt:{attempt['id']}") == b"succeeded"


async def test_an_open_state_is_not_believed_for_long(stage: Stage) -> None:
    attempt = await stage.begin()
    async with Redis.from_url(stage.settings.redis_url) as redis:
        assert 0 < await redis.ttl(f"payment:attempt:{attempt['id']}") <= 5
    assert await stage.count(Attempt) == 1


async def test_payment_systems_to_choose_from_are_listed(stage: Stage) -> None:
    response = await stage.caller().get("/payment/api/v1/providers")
    terms = {"is_default": False, "has_partial_refunds": True, "has_saved_methods": False}
    yookassa = {
        **terms,
        "name": "yookassa",
        "title": "YooKassa",
        "is_default": True,
        "has_saved_methods": True,
    }
    stripe = {**terms, "name": "stripe", "title": "Stripe"}
    yoomoney = {**terms, "name": "yoomoney", "title": "YooMoney"}
    assert response.json() == {"items": [yookassa, stripe, yoomoney]}
