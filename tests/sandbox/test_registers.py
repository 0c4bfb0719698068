"""The daily register that a payment system sends."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest

from tests.sandbox.stage import SHOP_ID, Merchant
from theatre.sandbox import registers

MOSCOW = timezone(timedelta(hours=3))
FIELDS = ["operation", "operation_id", "payment_id", "amount", "currency", "commission"]


async def read(http: httpx.AsyncClient, day: str, shop_id: str = SHOP_ID) -> list[dict[str, str]]:
    """Fetch a day's register."""
    answer = await http.get(f"/sandbox/control/v1/shops/{shop_id}/register?day={day}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def test_it_holds_the_days_captures_and_refunds_and_nothing_else(
    merchant: Merchant, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registers, "PAGE_LINES", 2)
    paid = [await merchant.pay(await merchant.create()) for _ in range(3)]
    refund = (await merchant.refund(paid[0], "49.90")).json()
    await merchant.create()
    today = datetime.now(UTC).astimezone(MOSCOW).date()
    lines = await read(http, str(today))
    written = [[line[field] for field in FIELDS] for line in lines]
    assert written == [
        *(["payment", one["id"], one["id"], "149.90", "RUB", "5.25"] for one in paid),
        ["refund", refund["id"], paid[0]["id"], "49.90", "RUB", "0.00"],
    ]
    assert await read(http, str(today - timedelta(days=1))) == []
    assert await read(http, str(today + timedelta(days=1))) == []
    assert await read(http, str(today), "777") == []


async def test_a_day_that_is_none_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/sandbox/control/v1/shops/{SHOP_ID}/register?day=2026-02-30")
    assert answer.status_code == 422
