"""Giving money back: once per id, never more than was taken, and never forgotten."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.payment.network import Hold, alter, answer, cut_reply, refuse_connection
from tests.payment.stage import (
    FAILING_REFUND_CARD,
    PENDING_REFUND_CARD,
    READ_REFUND,
    REFUND,
    Stage,
    give_back,
)
from theatre.payment.models import Refund

PAID = "payment.attempt.succeeded"
BACK = "payment.refund.succeeded"
KEPT = "payment.refund.failed"


async def refunds_there(stage: Stage, attempt: dict[str, Any]) -> list[dict[str, Any]]:
    """List what the payment system gave back."""
    params = {"payment_id": attempt["provider_reference"], "limit": "100"}
    listed = await stage.ask_sandbox("GET", "refunds", params=params)
    items: list[dict[str, Any]] = listed["items"]
    return items


async def test_money_given_back_is_told_once(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    asked = give_back(attempt)
    refund = await stage.refund(attempt, asked)
    assert refund == {
        "id": str(asked.id),
        "attempt_id": attempt["id"],
        "status": "succeeded",
        "failure": None,
    }
    assert await stage.refund(attempt, asked) == refund
    assert stage.network.keys(REFUND) == [str(asked.id)]
    (_, (key, fact)) = await stage.facts(attempt)
    assert (key, fact["amount"]) == (BACK, {"amount_minor": 39900, "currency": "RUB"})


async def test_parts_add_up_to_what_was_taken_and_not_a_kopeck_more(stage: Stage) -> None:
    """R1, payment's part."""
    attempt = await stage.begin_paid()
    for amount_minor in (10000, 29899):
        assert (await stage.refund(attempt, give_back(attempt, amount_minor=amount_minor)))[
            "status"
        ] == "succeeded"
    response = await stage.post(f"attempts/{attempt['id']}/refunds", give_back(attempt, amount_minor=2))
    assert (response.status_code, response.json()["code"]) == (409, "payment.refund_too_large")
    assert (await stage.refund(attempt, give_back(attempt, amount_minor=1)))["status"] == "succeeded"


async def test_twenty_whole_refunds_at_once_give_back_once(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    asking = (stage.post(f"attempts/{attempt['id']}/refunds", give_back(attempt)) for _ in range(20))
    statuses = sorted(response.status_code for response in await asyncio.gather(*asking))
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {409, 503}
    assert len(await refunds_there(stage, attempt)) == 1


async def test_one_id_twice_at_once_gives_back_once(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    asked = give_back(attempt, amount_minor=100)
    await asyncio.gather(*(stage.post(f"attempts/{attempt['id']}/refunds", asked) for _ in range(10)))
    assert len(await refunds_there(stage, attempt)) == 1
    assert await stage.fact_keys(attempt) == [PAID, BACK]


async def test_another_currency_is_too_much(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    response = await stage.post(f"attempts/{attempt['id']}/refunds", give_back(attempt, currency="USD"))
    assert (response.status_code, response.json()["code"]) == (409, "payment.refund_too_large")


async def test_nothing_can_be_given_back_before_it_was_taken(stage: Stage) -> None:
    attempt = await stage.begin()
    response = await stage.post(f"attempts/{attempt['id']}/refunds", give_back(attempt))
    assert (response.status_code, response.json()["code"]) == (409, "payment.nothing_captured")


@pytest.mark.parametrize(
    "words", [{"amount_minor": 2}, {"reason": "another"}, {"currency": "USD"}, {"payment_id": UUID(int=404)}]
)
async def test_the_same_id_with_other_words_is_a_conflict(stage: Stage, words: dict[str, Any]) -> None:
    attempt = await stage.begin_paid()
    asked = give_back(attempt, amount_minor=1)
    await stage.refund(attempt, asked)
    other = give_back(attempt, **{"id": asked.id, "amount_minor": 1, **words})
    response = await stage.post(f"attempts/{attempt['id']}/refunds", other)
    assert (response.status_code, response.json()["code"]) == (409, "payment.refund_id_reused")


async def test_the_id_of_another_attempts_refund_is_a_conflict(stage: Stage) -> None:
    first, second = await stage.begin_paid(), await stage.begin_paid()
    asked = give_back(first, amount_minor=1)
    await stage.refund(first, asked)
    response = await stage.post(f"attempts/{second['id']}/refunds", asked)
    assert (response.status_code, response.json()["code"]) == (409, "payment.refund_id_reused")


async def test_an_attempt_of_another_payment_is_not_found(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    for path, asked in (
        (f"attempts/{attempt['id']}/refunds", give_back({"payment_id": uuid4()})),
        (f"attempts/{uuid4()}/refunds", give_back(attempt)),
    ):
        response = await stage.post(path, asked)
        assert (response.status_code, response.json()["code"]) == (404, "payment.attempt_not_found")
    assert await stage.count(Refund) == 0


async def test_killed_before_the_provider_was_asked_the_refund_goes_on_by_itself(stage: Stage) -> None:
    """K21"""
    attempt = await stage.begin_paid()
    stage.network.fail(REFUND, refuse_connection)
    refund = await stage.refund(attempt)
    assert refund["status"] == "pending"
    await stage.wait(seconds=31)
    assert await stage.fact_keys(attempt) == [PAID, BACK]
    assert set(stage.network.keys(REFUND)) == {refund["id"]}


async def test_an_answer_lost_after_the_money_went_gives_nothing_back_twice(stage: Stage) -> None:
    """K22, F-P5: the row stays, the key stays, one refund there."""
    attempt = await stage.begin_paid()
    asked = give_back(attempt)
    stage.network.fail(REFUND, cut_reply)
    assert (await stage.refund(attempt, asked))["status"] == "pending"
    assert (await stage.refund(attempt, asked))["status"] == "succeeded"
    await stage.wait(minutes=5)
    assert len(await refunds_there(stage, attempt)) == 1
    assert await stage.fact_keys(attempt) == [PAID, BACK]


async def test_a_refund_older_than_its_key_is_looked_up_before_it_is_asked_for_again(stage: Stage) -> None:
    """W10, F-P4"""
    attempt = await stage.begin_paid()
    stage.network.fail(REFUND, cut_reply)
    refund = await stage.refund(attempt)
    stage.network.fail(REFUND, refuse_connection, times=9)
    await stage.wait(hours=25)
    assert (await stage.refund(attempt, give_back(attempt, id=refund["id"])))["status"] == "succeeded"
    assert stage.network.count(REFUND) == 1
    assert len(await refunds_there(stage, attempt)) == 1


async def test_a_refund_older_than_its_key_that_never_arrived_is_asked_for(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    stage.network.fail(REFUND, refuse_connection)
    await stage.refund(attempt)
    await stage.wait(hours=25)
    assert await stage.fact_keys(attempt) == [PAID, BACK]


async def test_a_definite_no_fails_the_refund_and_frees_its_amount(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    refusal = b'{"type": "error", "id": "1", "code": "invalid_request", "description": "Too small"}'
    stage.network.fail(REFUND, answer(400, refusal))
    refund = await stage.refund(attempt)
    assert (refund["status"], refund["failure"]) == (
        "failed",
        {"code": "provider_refused", "message": "The payment system refused."},
    )
    assert (await stage.refund(attempt))["status"] == "succeeded"
    assert await stage.fact_keys(attempt) == [PAID, KEPT, BACK]


async def test_a_refusal_that_comes_after_the_money_went_fails_nothing(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    asked = give_back(attempt)
    hold = Hold()
    refusal = answer(400, b'{"type": "error", "id": "1", "code": "invalid_request"}')

    async def refused_late(request: Any, forward: Any) -> Any:
        await hold(request, forward)
        return await refusal(request, forward)

    stage.network.fail(REFUND, refused_late)
    late = asyncio.create_task(stage.refund(attempt, asked))
    await hold.arrived.wait()
    assert (await stage.refund(attempt, asked))["status"] == "succeeded"
    hold.released.set()
    assert (await late)["status"] == "succeeded"
    assert await stage.fact_keys(attempt) == [PAID, BACK]


async def test_a_pending_refund_that_ends_canceled_is_found_by_asking(stage: Stage) -> None:
    """No notification tells of it."""
    attempt = await stage.begin_paid(FAILING_REFUND_CARD)
    refund = await stage.refund(attempt)
    assert refund["status"] == "pending"
    details = (
        b'"status":"canceled","cancellation_details":{"party":"refund_network","reason":"rejected_by_payee"}'
    )

    def end(content: bytes) -> bytes:
        return content.replace(b": ", b":").replace(b'"status":"pending"', details)

    stage.network.fail(READ_REFUND, alter(end))
    await stage.wait(seconds=31)
    failed = await stage.refund(attempt, give_back(attempt, id=refund["id"]))
    assert (failed["status"], failed["failure"]["code"]) == ("failed", "payee_refused")
    assert await stage.fact_keys(attempt) == [PAID, KEPT]


async def test_a_refund_that_succeeded_never_fails_afterwards(stage: Stage) -> None:
    """Two askers, of which the slower one was told something else."""
    attempt = await stage.begin_paid(PENDING_REFUND_CARD)
    asked = give_back(attempt)
    await stage.refund(attempt, asked)
    hold = Hold()

    async def late_no(request: Any, forward: Any) -> Any:
        await hold(request, forward)
        return await alter(lambda content: content.replace(b'"pending"', b'"canceled"'))(request, forward)

    stage.network.fail(READ_REFUND, late_no)
    late = asyncio.create_task(stage.refund(attempt, asked))
    await hold.arrived.wait()
    stage.network.fail(READ_REFUND, alter(lambda content: content.replace(b'"pending"', b'"succeeded"')))
    assert (await stage.refund(attempt, asked))["status"] == "succeeded"
    hold.released.set()
    assert (await late)["status"] == "succeeded"
    assert await stage.fact_keys(attempt) == [PAID, BACK]


async def test_a_pending_refund_is_asked_about_with_its_reference(stage: Stage) -> None:
    attempt = await stage.begin_paid(PENDING_REFUND_CARD)
    await stage.refund(attempt)
    not_found = b'{"type": "error", "id": "1", "code": "not_found"}'
    stage.network.fail(READ_REFUND, answer(404, not_found))
    await stage.wait(seconds=31)
    assert await stage.fact_keys(attempt) == [PAID]
    assert stage.network.count(REFUND) == 1
    assert stage.network.count(READ_REFUND) == 1
