"""What staff read of payment-service by way of billing: callbacks of a payment, and how attempts came out."""

from datetime import datetime, timedelta
from typing import Any

from httpx import Response

from tests.payment.stage import POOR_CARD, Stage
from theatre.contracts.payment import PREFIX
from theatre.kit.ids import new_id

OUTCOMES = f"{PREFIX}/attempts/outcomes"


async def events_of(stage: Stage, payment_id: object) -> list[dict[str, Any]]:
    path = f"{PREFIX}/payments/{payment_id}/events"
    answer = await stage.caller().get(path, headers=stage.auth.service("billing"))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def ask(stage: Stage, moments: list[datetime]) -> Response:
    body = {"moments": [moment.isoformat() for moment in moments]}
    return await stage.caller().post(OUTCOMES, json=body, headers=stage.auth.service("billing"))


async def test_callbacks_of_a_payment_and_its_refunds_are_listed_and_no_others(stage: Stage) -> None:
    attempt, other = await stage.begin(), await stage.begin()
    for one in (attempt, other):
        await stage.pay(one)
        await stage.call_back("payment.succeeded", one["provider_reference"], status="succeeded")
    refund = await stage.refund_in_cabinet(attempt)
    await stage.call_back("refund.succeeded", refund["id"], status="succeeded")
    listed = await events_of(stage, attempt["payment_id"])
    assert [(event["event"], event["object_id"], event["status"]) for event in listed] == [
        ("payment.succeeded", attempt["provider_reference"], "applied"),
        ("refund.succeeded", refund["id"], "applied"),
    ]
    assert "raw" not in listed[0]
    assert await events_of(stage, new_id()) == []


async def test_payments_are_found_by_what_a_payment_system_calls_anything_of_them(stage: Stage) -> None:
    """Also one that brought nothing; but not by a part of the name."""
    attempt, other = await stage.begin(), await stage.begin()
    await stage.pay(attempt)
    await stage.call_back("payment.succeeded", attempt["provider_reference"], status="succeeded")
    refund = await stage.refund_in_cabinet(attempt)
    await stage.call_back("refund.succeeded", refund["id"], status="succeeded")

    async def find(reference: str) -> list[str]:
        path, headers = f"{PREFIX}/payments", stage.auth.service("billing")
        answer = await stage.caller().get(path, params={"reference": reference}, headers=headers)
        assert answer.status_code == 200, answer.text
        found: list[str] = answer.json()["payment_ids"]
        return found

    for reference in (attempt["provider_reference"], refund["id"]):
        assert await find(reference) == [attempt["payment_id"]]
    assert await find(other["provider_reference"]) == [other["payment_id"]]
    assert await find(attempt["provider_reference"][:-1]) == []


async def test_attempts_are_counted_by_period_and_by_how_they_came_out(stage: Stage) -> None:
    start = stage.clock.now()
    good, poor, _ = await stage.begin(), await stage.begin(), await stage.begin()
    await stage.pay(good)
    await stage.call_back("payment.succeeded", good["provider_reference"], status="succeeded")
    await stage.pay(poor, POOR_CARD)
    await stage.call_back("payment.canceled", poor["provider_reference"], status="canceled")
    moments = [start - timedelta(hours=1), start, start + timedelta(hours=1), start + timedelta(hours=2)]
    counted = (await ask(stage, moments)).json()["items"]
    common = {"place": 1, "provider": "yookassa", "currency": "RUB", "count": 1}
    assert counted == [{**common, "status": status} for status in ("failed", "pending", "succeeded")]
    assert (await ask(stage, [moments[0], start])).json()["items"] == []


async def test_a_question_about_no_time_or_too_much_of_it_is_refused(stage: Stage) -> None:
    now = stage.clock.now()
    for moments in ([], [now], [now] * 403, [now.replace(tzinfo=None)] * 2):
        assert (await ask(stage, moments)).status_code == 422
    assert (await ask(stage, [now, now])).json()["items"] == []
