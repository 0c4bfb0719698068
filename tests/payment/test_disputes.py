"""Disputes at Stripe: read again after each callback, told to billing whole, in every wrong order and disguise."""

import asyncio
from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from sqlalchemy import select

from tests.payment.network import Fault, alter, refuse_connection
from tests.payment.stage import (
    DISPUTED_CARD,
    STRIPE_CALLBACKS,
    STRIPE_READ_DISPUTE,
    Stage,
    give_back,
)
from tests.payment.test_stripe import begin, begin_paid
from theatre.contracts.payment_disputes import (
    DisputeOpened,
)
from theatre.payment.models import Attempt, Dispute, ProviderEvent

PAID = "payment.attempt.succeeded"
OPENED, WON, LOST = (f"payment.dispute.{word}" for word in ("opened", "won", "lost"))
FEE = {"amount_minor": 1500, "currency": "RUB"}


def rubles(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "RUB"}


def showing(**changes: Any) -> Fault:
    """Change fields of the object that Stripe shows."""
    return alter(lambda raw: orjson.dumps({**orjson.loads(raw), **changes}))


async def stored(stage: Stage) -> Dispute:
    """Give the only dispute."""
    async with stage.resources.sessions() as session:
        return (await session.scalars(select(Dispute))).one()


async def test_an_open_dispute_is_told_with_all_that_stripe_says_of_it(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    for _ in range(2):
        assert (await stage.tell_of_dispute(dispute, "created")).status_code == 200
    (_, (key, told)) = await stage.facts(attempt)
    fact = DisputeOpened.model_validate(told)
    assert (key, fact.is_inquiry, fact.revision, fact.reason) == (OPENED, False, 1, "fraudulent")
    assert (str(fact.attempt_id), str(fact.payment_id)) == (attempt["id"], attempt["payment_id"])
    assert (told["disputed"], told["withdrawn"], told["fee"]) == (rubles(39900), rubles(39900), FEE)
    assert fact.answer_due_at is not None
    assert fact.answer_due_at > datetime.now(UTC)
    assert fact.provider_reference == f"du_{UUID(dispute['id']).hex}"


@pytest.mark.parametrize(("end", "last"), [("win", WON), ("lose", LOST)])
async def test_its_end_is_told_once(stage: Stage, end: str, last: str) -> None:
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    await stage.tell_of_dispute(dispute, "created")
    await stage.end_dispute(dispute, end)
    for news in ("closed", "funds_reinstated", "closed", "updated"):
        assert (await stage.tell_of_dispute(dispute, news)).status_code == 200
    assert await stage.fact_keys(attempt) == [PAID, OPENED, last]
    told = (await stage.facts(attempt))[-1][1]
    assert (told["revision"], told["fee"]) == (2, FEE)
    assert told["withdrawn"] == rubles(0 if end == "win" else 39900)


@pytest.mark.parametrize("order", list(permutations(["created", "funds_withdrawn", "closed"])))
async def test_the_order_of_callbacks_does_not_matter(stage: Stage, order: tuple[str, ...]) -> None:
    """Capability 19: what they are about is read anew, so the first of them tells all."""
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    await stage.end_dispute(dispute, "lose")
    for news in order:
        assert (await stage.tell_of_dispute(dispute, news)).status_code == 200
    assert await stage.fact_keys(attempt) == [PAID, LOST]


async def test_many_callbacks_at_once_are_one_change(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    news = ["created", "updated", "funds_withdrawn"] * 3
    answers = await asyncio.gather(*(stage.tell_of_dispute(dispute, one) for one in news))
    assert {answer.status_code for answer in answers} == {200}
    assert await stage.fact_keys(attempt) == [PAID, OPENED]
    assert (await stored(stage)).revision == 1


async def test_an_inquiry_is_told_as_one_and_may_end_without_money(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt, is_inquiry=True)
    await stage.tell_of_dispute(dispute, "created")
    await stage.end_dispute(dispute, "win")
    await stage.tell_of_dispute(dispute, "closed")
    (_, (first, opened), (second, closed)) = await stage.facts(attempt)
    assert (first, opened["is_inquiry"], opened["withdrawn"], opened["fee"]) == (
        OPENED,
        True,
        rubles(0),
        None,
    )
    assert (second, closed["withdrawn"]) == (WON, rubles(0))


async def test_an_inquiry_may_turn_into_the_real_thing(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt, is_inquiry=True)
    await stage.tell_of_dispute(dispute, "created")
    await stage.end_dispute(dispute, "lose")
    await stage.tell_of_dispute(dispute, "closed")
    assert await stage.fact_keys(attempt) == [PAID, OPENED, LOST]


async def test_a_won_dispute_is_told_when_its_money_is_back(stage: Stage) -> None:
    """What Stripe has promised is not yet ours."""
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    await stage.tell_of_dispute(dispute, "created")
    await stage.end_dispute(dispute, "win")
    moves = (await stage.ask_stripe("GET", f"disputes/du_{UUID(dispute['id']).hex}"))["balance_transactions"]
    stage.network.fail(STRIPE_READ_DISPUTE, showing(balance_transactions=moves[:1]))
    await stage.tell_of_dispute(dispute, "closed")
    assert await stage.fact_keys(attempt) == [PAID, OPENED]
    [event] = [event for event in await stage.events() if "closed" in event.event]
    assert (event.status, event.reason) == ("waiting", "it was won, and the money is not back yet")
    await stage.wait(hours=1)
    assert await stage.fact_keys(attempt) == [PAID, OPENED, WON]


async def test_a_dispute_that_stripe_does_not_show_yet_is_asked_about_later(stage: Stage) -> None:
    """W7: the callback is not lost."""
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    about = await stage.ask_stripe("GET", f"disputes/du_{UUID(dispute['id']).hex}")
    stage.network.fail(STRIPE_READ_DISPUTE, refuse_connection)
    assert (await stage.call_back_stripe("charge.dispute.created", about)).status_code == 200
    assert await stage.fact_keys(attempt) == [PAID]
    await stage.wait(hours=1)
    assert await stage.fact_keys(attempt) == [PAID, OPENED]


async def test_a_dispute_that_is_heard_of_before_its_money_waits_for_it(stage: Stage) -> None:
    """Capability 19: the card that is disputed at once, and its callbacks in the wrong order."""
    attempt = await begin(stage)
    await stage.pay(attempt, DISPUTED_CARD)
    intent = await stage.ask_stripe("GET", f"checkout/sessions/{attempt['provider_reference']}")
    listed = await stage.browse("GET", "/sandbox/control/v1/notifications")
    [about] = [
        one["body"]["data"]["object"]
        for one in listed.json()["items"]
        if one["event"] == "charge.dispute.created"
        and one["body"]["data"]["object"]["payment_intent"] == intent["payment_intent"]
    ]
    await stage.call_back_stripe("charge.dispute.created", about)
    assert await stage.fact_keys(attempt) == []
    await stage.call_back_stripe(
        "checkout.session.completed", {"id": attempt["provider_reference"], "payment_status": "paid"}
    )
    assert await stage.fact_keys(attempt) == [PAID]
    await stage.wait(hours=1)
    assert await stage.fact_keys(attempt) == [PAID, OPENED]


async def test_an_unsigned_or_invented_dispute_is_refused(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    about = {"id": f"du_{UUID(int=7).hex}", "object": "dispute", "status": "lost"}
    assert (await stage.call_back_stripe("charge.dispute.closed", about)).status_code == 403
    dispute = await stage.dispute(attempt)
    real = about | {"id": f"du_{UUID(dispute['id']).hex}"}
    forged = await stage.call_back_stripe("charge.dispute.closed", real, secret="whsec_mine")
    assert forged.status_code == 403
    bare = {"id": "evt_1", "object": "event", "type": "charge.dispute.closed", "data": {"object": real}}
    unsigned: httpx.Response = await stage.caller("203.0.113.9").post(STRIPE_CALLBACKS, json=bare)
    assert unsigned.status_code == 403
    assert await stage.fact_keys(attempt) == [PAID]
    assert await stage.count(Dispute) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"status": "lost_in_space"},
        {"balance_transactions": [{"amount": -1}]},
        {"amount": "39900"},
        {"id": None},
    ],
)
async def test_what_makes_no_sense_is_not_believed(stage: Stage, change: dict[str, Any]) -> None:
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    about = await stage.ask_stripe("GET", f"disputes/du_{UUID(dispute['id']).hex}")
    stage.network.fail(STRIPE_READ_DISPUTE, showing(**change))
    assert (await stage.call_back_stripe("charge.dispute.created", about)).status_code == 200
    [event] = [event for event in await stage.events() if "dispute" in event.event]
    assert event.status == "waiting"
    assert await stage.count(Dispute) == 0


async def test_a_dispute_of_nobodys_money_ends_with_a_person(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    async with stage.resources.sessions.begin() as session:
        row = await session.get_one(Attempt, UUID(attempt["id"]))
        row.provider = "yoomoney"
    await stage.tell_of_dispute(dispute, "created")
    [event] = [event for event in await stage.events() if "dispute" in event.event]
    assert (event.status, event.reason) == ("waiting", "we know no such attempt")


async def test_what_was_won_and_is_lost_after_all_is_for_a_person(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    await stage.end_dispute(dispute, "win")
    await stage.tell_of_dispute(dispute, "closed")
    stage.network.fail(STRIPE_READ_DISPUTE, showing(status="lost"))
    about = await stage.ask_stripe("GET", f"disputes/du_{UUID(dispute['id']).hex}")
    await stage.call_back_stripe("charge.dispute.closed", about | {"status": "lost"})
    [event] = [event for event in await stage.events() if event.event == "charge.dispute.closed:lost:2"]
    assert (event.status, event.reason) == ("rejected", "won never becomes lost")
    assert event.case_opened_at is not None
    assert await stage.fact_keys(attempt) == [PAID, WON]


async def test_an_older_reading_does_not_undo_a_newer_one(stage: Stage) -> None:
    """Two callbacks at once may be judged in the other order than the object was read in."""
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    before = await stage.ask_stripe("GET", f"disputes/du_{UUID(dispute['id']).hex}")
    await stage.end_dispute(dispute, "win")
    await stage.tell_of_dispute(dispute, "closed")
    intent = {"payment_intent": {"id": "pi_1", "metadata": {"attempt_id": attempt["id"]}}}
    stage.network.fail(STRIPE_READ_DISPUTE, showing(**before | intent))
    await stage.call_back_stripe("charge.dispute.created", before)
    [event] = [event for event in await stage.events() if "created" in event.event]
    assert (event.status, event.case_opened_at) == ("rejected", None)
    assert (await stored(stage)).status == "won"


async def test_a_balance_in_another_currency_is_told_in_that_of_the_payment(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    dispute = await stage.dispute(attempt)
    move = {"amount": -440, "currency": "usd", "fee": 1500}
    stage.network.fail(STRIPE_READ_DISPUTE, showing(balance_transactions=[move]))
    about = await stage.ask_stripe("GET", f"disputes/du_{UUID(dispute['id']).hex}")
    await stage.call_back_stripe("charge.dispute.created", about)
    told = (await stage.facts(attempt))[-1][1]
    assert told["withdrawn"] == rubles(39900)
    assert told["fee"] == {"amount_minor": 1500, "currency": "USD"}


async def test_stripe_refuses_to_give_back_what_is_disputed(stage: Stage) -> None:
    """R2: a refund that was on its way fails, which billing books."""
    attempt = await begin_paid(stage)
    await stage.dispute(attempt)
    refund = await stage.refund(attempt, give_back(attempt))
    assert refund["status"] == "failed"


async def test_after_a_full_refund_only_the_fee_is_taken(stage: Stage) -> None:
    """R3"""
    attempt = await begin_paid(stage)
    await stage.refund(attempt, give_back(attempt))
    dispute = await stage.dispute(attempt)
    await stage.end_dispute(dispute, "lose")
    await stage.tell_of_dispute(dispute, "closed")
    told = (await stage.facts(attempt))[-1][1]
    assert (told["disputed"], told["withdrawn"], told["fee"]) == (rubles(39900), rubles(0), FEE)


async def test_callbacks_about_disputes_are_stored_like_all_others(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    before = await stage.count(ProviderEvent)
    dispute = await stage.dispute(attempt)
    for _ in range(2):
        await stage.tell_of_dispute(dispute, "created")
        await stage.tell_of_dispute(dispute, "funds_withdrawn")
    assert await stage.count(ProviderEvent) == before + 2
