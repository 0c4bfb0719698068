"""What a payment system did, as we list it; and what it did without us."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import select

from tests.payment.network import answer
from tests.payment.stage import PENDING_REFUND_CARD, Stage, give_back
from theatre.contracts.payment import PREFIX
from theatre.payment.models import EventStatus, Refund

LIST_PAYMENTS = "GET /sandbox/v3/payments"
LIST_REFUNDS = "GET /sandbox/v3/refunds"
BACK = "payment.refund.succeeded"
PAID = "payment.attempt.succeeded"


@pytest.fixture
async def since(stage: Stage) -> datetime:
    """A moment before anything of the test happens, by the provider's clock, which others have moved."""
    told = (await stage.browse("GET", "/sandbox/control/v1/clock")).json()
    now = datetime.fromisoformat(told["now"])
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def by_kind(operations: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [operation for operation in operations if operation["kind"] == kind]


async def the_refund(stage: Stage) -> Refund:
    async with stage.resources.sessions() as session:
        return (await session.scalars(select(Refund))).one()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"until": "2026-01-01T00:00:00Z"}, 422),
        ({"until": "2026-03-01T00:00:00Z"}, 422),
        ({"until": "2025-01-01T00:00:00Z"}, 422),
        ({"until": "yesterday"}, 422),
        ({"cursor": "x" * 600}, 422),
    ],
)
async def test_a_time_that_makes_no_sense_is_refused(
    stage: Stage, changes: dict[str, str], status: int
) -> None:
    asked = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", **changes}
    response = await stage.caller().get(
        f"{PREFIX}/providers/yookassa/operations", params=asked, headers=stage.auth.service("billing")
    )
    assert response.status_code == status


async def test_only_services_are_let_in_and_only_known_providers_are_listed(
    stage: Stage, since: datetime
) -> None:
    asked = {"since": since.isoformat(), "until": (since + timedelta(days=1)).isoformat()}
    path = f"{PREFIX}/providers/yookassa/operations"
    assert (await stage.caller().get(path, params=asked)).status_code == 401
    user = stage.auth.user(uuid4(), is_superuser=True)
    assert (await stage.caller().get(path, params=asked, headers=user)).status_code == 403
    headers = stage.auth.service("billing")
    strange = await stage.caller().get(f"{PREFIX}/providers/nosuch/operations", params=asked, headers=headers)
    assert (strange.status_code, strange.json()["code"]) == (404, "payment.operations_not_listed")
    names = await stage.caller().get(f"{PREFIX}/providers", headers=headers)
    assert names.json() == {"items": ["yookassa", "stripe", "yoomoney"]}


async def test_what_was_not_done_is_not_found(stage: Stage) -> None:
    attempt = await stage.begin()
    questions = [
        ("capture", {"reference": attempt["provider_reference"]}),
        ("capture", {"operation_id": attempt["id"]}),
        ("capture", {"operation_id": str(uuid4())}),
        ("refund", {"reference": str(uuid4())}),
        ("refund", {"operation_id": str(uuid4())}),
    ]
    for kind, which in questions:
        response = await stage.settle_operation(kind, **which)
        assert (response.status_code, response.json()["operation"]) == (200, None)
    assert (await stage.settle_operation("capture")).status_code == 422
    assert (await stage.settle_operation("capture", reference="../me")).status_code == 422


async def test_a_refund_made_in_the_cabinet_is_recognised_by_its_notification(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    made = await stage.refund_in_cabinet(attempt, "100.00")
    for _ in range(2):
        assert (await stage.call_back("refund.succeeded", made["id"])).status_code == 200
    refund = await the_refund(stage)
    assert (refund.made_by_provider, refund.status, refund.amount_minor) == (True, "succeeded", 10000)
    assert (str(refund.attempt_id), refund.provider_reference) == (attempt["id"], made["id"])
    (_, _), (key, fact) = await stage.facts(attempt)
    assert (key, fact["refund_id"], fact["amount"]["amount_minor"]) == (BACK, str(refund.id), 10000)
    assert {event.status for event in await stage.events()} == {EventStatus.APPLIED}


async def test_a_refund_made_in_the_cabinet_is_recognised_when_it_is_asked_about(stage: Stage) -> None:
    """F-P9: no notification came."""
    attempt = await stage.begin_paid()
    made = await stage.refund_in_cabinet(attempt)
    given = await stage.settle_operation("refund", reference=made["id"])
    refund = await the_refund(stage)
    assert given.json()["operation_id"] == str(refund.id)
    assert given.json()["operation"]["payment_reference"] == attempt["provider_reference"]
    assert await stage.fact_keys(attempt) == [PAID, BACK]


async def test_notification_and_question_at_the_same_moment_recognise_one_refund(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    made = await stage.refund_in_cabinet(attempt)
    await asyncio.gather(
        *(stage.call_back("refund.succeeded", made["id"]) for _ in range(2)),
        *(stage.settle_operation("refund", reference=made["id"]) for _ in range(4)),
    )
    assert await stage.count(Refund) == 1
    assert await stage.fact_keys(attempt) == [PAID, BACK]


async def test_a_refund_whose_row_we_lost_comes_back_under_its_own_id(stage: Stage) -> None:
    """F-D10: restored from a backup of before the refund."""
    attempt = await stage.begin_paid()
    asked = await stage.refund(attempt)
    refund = await the_refund(stage)
    async with stage.resources.sessions.begin() as session:
        await session.delete(refund)
    await stage.settle_operation("refund", reference=refund.provider_reference or "")
    again = await the_refund(stage)
    assert (again.id, again.made_by_provider) == (UUID(asked["id"]), False)


async def test_a_refund_of_a_payment_that_is_not_ours_waits(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    made = await stage.refund_in_cabinet(attempt)
    stage.network.fail("GET /sandbox/v3/refunds/", _of_another_payment(made))
    assert (await stage.call_back("refund.succeeded", made["id"])).status_code == 200
    assert await stage.count(Refund) == 0
    assert (await stage.events())[-1].status == EventStatus.WAITING


async def test_a_refund_of_the_cabinet_that_is_still_pending_is_not_yet_recognised(stage: Stage) -> None:
    attempt = await stage.begin_paid(PENDING_REFUND_CARD)
    made = await stage.refund_in_cabinet(attempt)
    assert made["status"] == "pending"
    settled = await stage.settle_operation("refund", reference=made["id"])
    assert settled.json() == {"reference": made["id"], "operation_id": None, "operation": None}
    assert await stage.count(Refund) == 0


async def test_what_the_cabinet_gave_back_cannot_be_given_back_again(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    made = await stage.refund_in_cabinet(attempt, "399.00")
    await stage.call_back("refund.succeeded", made["id"])
    response = await stage.post(f"attempts/{attempt['id']}/refunds", give_back(attempt, amount_minor=1))
    assert (response.status_code, response.json()["code"]) == (409, "payment.refund_too_large")


async def test_another_attempt_is_not_touched(stage: Stage) -> None:
    other = await stage.begin_paid()
    attempt = await stage.begin_paid()
    made = await stage.refund_in_cabinet(attempt)
    await stage.call_back("refund.succeeded", made["id"])
    assert await stage.fact_keys(other) == [PAID]


def _of_another_payment(made: dict[str, Any]) -> Any:
    return answer(200, orjson.dumps({**made, "payment_id": str(uuid4())}))
