"""Attempts with Stripe, from the link to the refund, and its callbacks in every wrong order and disguise."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import orjson
import pytest
import structlog

from tests.payment.network import Hold, alter, answer, cut_reply, refuse_connection
from tests.payment.stage import (
    HOUSE,
    SLOW_CARD,
    SLOW_POOR_CARD,
    STRIPE,
    STRIPE_CALLBACKS,
    STRIPE_CARD,
    STRIPE_CREATE,
    STRIPE_POOR_CARD,
    STRIPE_READ,
    STRIPE_READ_REFUND,
    STRIPE_REFUND,
    WEBHOOK_SECRET,
    Stage,
    give_back,
    order,
    sign,
)
from theatre.payment.models import ProviderEvent

COMPLETED = "checkout.session.completed"
PAID = "payment.attempt.succeeded"
FAILED = "payment.attempt.failed"


async def begin(stage: Stage, **words: Any) -> dict[str, Any]:
    return await stage.begin(order(provider="stripe", **words))


def about(attempt: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Write a session as a notification shows it."""
    return {"id": attempt["provider_reference"], "object": "checkout.session", **changes}


async def begin_paid(stage: Stage, card: str = STRIPE_CARD) -> dict[str, Any]:
    """Begin an attempt, pay it, and let payment hear of it."""
    attempt = await begin(stage)
    await stage.pay(attempt, card)
    taken = await stage.call_back_stripe(COMPLETED, about(attempt, payment_status="paid"))
    assert taken.status_code == 200, taken.text
    return attempt


async def sessions_of(stage: Stage, attempt_id: str) -> list[dict[str, Any]]:
    """List the payment system's sessions of an attempt."""
    listed = await stage.ask_stripe("GET", "checkout/sessions", params={"limit": "100"})
    return [one for one in listed["data"] if one["metadata"].get("attempt_id") == attempt_id]


async def test_a_begun_attempt_has_a_link_that_ends_when_stripe_says(stage: Stage) -> None:
    attempt = await begin(stage)
    assert (attempt["status"], attempt["provider"]) == ("pending", "stripe")
    assert attempt["confirmation_url"].startswith(f"{HOUSE}/sandbox/checkout/")
    [there] = await sessions_of(stage, attempt["id"])
    row = await stage.row(attempt["id"])
    assert int(row.expires_at.timestamp()) == there["expires_at"]
    assert there["client_reference_id"] == attempt["id"]
    assert there["success_url"] == f"{HOUSE}/payment/return/{attempt['id']}"


async def test_a_signed_callback_settles_the_attempt_with_what_was_taken_and_kept(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    [(key, fact)] = await stage.facts(attempt)
    assert (key, fact["provider"]) == (PAID, "stripe")
    assert fact["captured"] == {"amount_minor": 39900, "currency": "RUB"}
    assert fact["fee"] == {"amount_minor": 1397, "currency": "RUB"}
    assert (await stage.read(attempt["id"]))["fee"] == fact["fee"]


async def test_yookassas_fee_is_told_too(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    [(_, fact)] = await stage.facts(attempt)
    assert fact["fee"] == {"amount_minor": 1397, "currency": "RUB"}


@pytest.mark.parametrize("times", [2, 10])
async def test_the_same_callback_many_times_at_once_is_one_transition(stage: Stage, times: int) -> None:
    """W2, F-C1"""
    attempt = await begin(stage)
    await stage.pay(attempt, STRIPE_CARD)
    news = about(attempt, payment_status="paid")
    answers = await asyncio.gather(*(stage.call_back_stripe(COMPLETED, news) for _ in range(times)))
    assert {response.status_code for response in answers} == {200}
    assert await stage.fact_keys(attempt) == [PAID]
    assert await stage.count(ProviderEvent) == 1


async def test_a_callback_before_our_answer_counts_and_the_late_answer_overwrites_nothing(
    stage: Stage,
) -> None:
    """W1, F-C3"""
    asked, hold = order(provider="stripe"), Hold()
    stage.network.fail(STRIPE_CREATE, hold)
    beginning = asyncio.create_task(stage.post("attempts", asked))
    await hold.arrived.wait()
    [there] = await sessions_of(stage, str(asked.id))
    await stage.pay({"confirmation_url": there["url"]}, STRIPE_CARD)
    news = {"id": there["id"], "payment_status": "paid"}
    assert (await stage.call_back_stripe(COMPLETED, news)).status_code == 200
    hold.released.set()
    attempt = (await beginning).json()
    assert (attempt["status"], attempt["provider_reference"]) == ("succeeded", there["id"])
    assert await stage.fact_keys(attempt) == [PAID]


FORGERIES: dict[str, Callable[[bytes, int], tuple[bytes, str]]] = {
    "no signature": lambda body, now: (body, ""),
    "other secret": lambda body, now: (body, sign(body, now, secret="whsec_other")),
    "empty secret": lambda body, now: (body, sign(body, now, secret="")),
    "truncated": lambda body, now: (body, sign(body, now)[:-1]),
    "body changed": lambda body, now: (body.replace(b"paid", b"PAID"), sign(body, now)),
    "body reordered": lambda body, now: (body + b" ", sign(body, now)),
    "six minutes old": lambda body, now: (body, sign(body, now - 360)),
    "six minutes ahead": lambda body, now: (body, sign(body, now + 360)),
    "moment moved": lambda body, now: (body, sign(body, now - 360).replace(str(now - 360), str(now))),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_callback_is_refused_and_leaves_no_trace_but_a_log_line(
    stage: Stage, forgery: str
) -> None:
    """W5, F-C6, F-C8, T15: the right id of money that really came, but not from Stripe, or not now."""
    attempt = await begin(stage)
    await stage.pay(attempt, STRIPE_CARD)
    news = {"id": "evt_1", "object": "event", "type": COMPLETED}
    body = orjson.dumps({**news, "data": {"object": about(attempt, payment_status="paid")}})
    body, signature = FORGERIES[forgery](body, int(stage.clock.now().timestamp()))
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
    with structlog.testing.capture_logs() as lines:
        response = await stage.caller().post(STRIPE_CALLBACKS, content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "payment.callback_forged")
    assert [line for line in lines if line["event"] == "forged callback" and line["provider"] == "stripe"]
    assert WEBHOOK_SECRET not in str(lines)
    assert await stage.count(ProviderEvent) == 0
    assert (await stage.row(attempt["id"])).status == "pending"


@pytest.mark.parametrize("minutes", [-4, 4])
async def test_a_callback_whose_moment_is_a_little_off_is_taken(stage: Stage, minutes: int) -> None:
    """T15"""
    attempt = await begin(stage)
    await stage.pay(attempt, STRIPE_CARD)
    taken = await stage.call_back_stripe(COMPLETED, about(attempt), age_seconds=minutes * 60)
    assert taken.status_code == 200
    assert await stage.fact_keys(attempt) == [PAID]


async def test_a_signed_claim_that_is_not_so_is_refused(stage: Stage) -> None:
    """The object is read again, whoever signed."""
    attempt = await begin(stage)
    for kind in (COMPLETED, "checkout.session.async_payment_succeeded", "checkout.session.expired"):
        assert (await stage.call_back_stripe(kind, about(attempt, payment_status="paid"))).status_code == 403
    assert (await stage.call_back_stripe(COMPLETED, {"id": "cs_test_unknown"})).status_code == 403
    assert await stage.count(ProviderEvent) == 0
    assert await stage.fact_keys(attempt) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[" * 100_000, 400), (b"\xff\xfe", 400), (b" " * (1024 * 1024 + 1), 413)],
)
async def test_signed_rubbish_is_refused_without_a_crash(stage: Stage, body: bytes, status: int) -> None:
    """W16, F-C14"""
    assert (await stage.send_signed(body)).status_code == status
    assert await stage.count(ProviderEvent) == 0


async def test_a_completed_session_that_is_not_paid_yet_waits_for_its_money(stage: Stage) -> None:
    attempt = await begin(stage)
    await stage.pay(attempt, SLOW_CARD)
    taken = await stage.call_back_stripe(COMPLETED, about(attempt, payment_status="unpaid"))
    assert taken.status_code == 200
    assert ((await stage.read(attempt["id"]))["status"], await stage.fact_keys(attempt)) == ("pending", [])
    await stage.pass_in_sandbox(6)
    kind = "checkout.session.async_payment_succeeded"
    assert (await stage.call_back_stripe(kind, about(attempt, payment_status="paid"))).status_code == 200
    assert await stage.fact_keys(attempt) == [PAID]


async def test_a_slow_payment_that_comes_to_nothing_fails_the_attempt(stage: Stage) -> None:
    attempt = await begin(stage)
    await stage.pay(attempt, SLOW_POOR_CARD)
    await stage.pass_in_sandbox(6)
    kind = "checkout.session.async_payment_failed"
    assert (await stage.call_back_stripe(kind, about(attempt, payment_status="unpaid"))).status_code == 200
    [(key, fact)] = await stage.facts(attempt)
    assert (key, fact["failure"]["code"], fact["is_expired"]) == (FAILED, "declined", False)


async def test_a_declined_card_leaves_the_attempt_open_for_another(stage: Stage) -> None:
    attempt = await begin(stage)
    await stage.pay(attempt, STRIPE_POOR_CARD)
    assert (await stage.read(attempt["id"]))["status"] == "pending"
    await stage.pay(attempt, STRIPE_CARD)
    assert (await stage.read(attempt["id"]))["status"] == "succeeded"
    assert await stage.fact_keys(attempt) == [PAID]


async def test_a_session_that_expired_while_it_was_being_paid_is_paid_if_the_money_came(stage: Stage) -> None:
    """The news of its end was older than the money: what is read now decides."""
    attempt = await begin(stage)
    ended = alter(lambda content: content.replace(b'"open"', b'"expired"'))
    stage.network.fail(STRIPE_READ, ended)
    assert (await stage.call_back_stripe("checkout.session.expired", about(attempt))).status_code == 200
    assert await stage.fact_keys(attempt) == [FAILED]
    await stage.pay(attempt, STRIPE_CARD)
    assert (await stage.call_back_stripe(COMPLETED, about(attempt, payment_status="paid"))).status_code == 200
    assert (await stage.row(attempt["id"])).status == "succeeded"
    assert await stage.fact_keys(attempt) == [FAILED, PAID]


KINDS = (
    COMPLETED,
    "checkout.session.async_payment_succeeded",
    "checkout.session.expired",
    "payment_intent.x",
)


@pytest.mark.parametrize("kinds", list(permutations(KINDS)))
async def test_callbacks_in_any_order_end_in_what_stripe_says(stage: Stage, kinds: tuple[str, ...]) -> None:
    """F-C2: never backwards."""
    attempt = await begin(stage)
    await stage.pay(attempt, STRIPE_CARD)
    for kind in kinds:
        await stage.call_back_stripe(kind, about(attempt))
    assert (await stage.row(attempt["id"])).status == "succeeded"
    assert await stage.fact_keys(attempt) == [PAID]


async def test_an_answer_lost_after_stripe_accepted_makes_no_second_session(stage: Stage) -> None:
    """W8, F-P2"""
    asked = order(provider="stripe")
    stage.network.fail(STRIPE_CREATE, cut_reply)
    assert (await stage.post("attempts", asked)).status_code == 503
    attempt = await stage.begin(asked)
    [there] = await sessions_of(stage, attempt["id"])
    assert there["id"] == attempt["provider_reference"]


async def test_a_stale_answer_to_a_repetition_does_not_hide_the_money(stage: Stage) -> None:
    """Stripe repeats its first answer as it was; the money came meanwhile."""
    asked = order(provider="stripe")
    stage.network.fail(STRIPE_CREATE, cut_reply)
    await stage.post("attempts", asked)
    [there] = await sessions_of(stage, str(asked.id))
    await stage.pay({"confirmation_url": there["url"]}, STRIPE_CARD)
    attempt = await stage.begin(asked)
    assert attempt["status"] == "pending"
    assert (await stage.read(attempt["id"]))["status"] == "succeeded"


@pytest.mark.parametrize(
    "fault",
    [
        answer(409, b'{"error": {"type": "invalid_request_error", "code": "idempotency_key_in_use"}}'),
        answer(502, b"<html>Bad gateway</html>"),
        answer(200, b" " * (1024 * 1024 + 1)),
        refuse_connection,
    ],
)
async def test_no_clear_answer_is_unknown_and_asked_again_with_the_same_key(stage: Stage, fault: Any) -> None:
    """F-P1"""
    asked = order(provider="stripe")
    stage.network.fail(STRIPE_CREATE, fault)
    unknown = await stage.post("attempts", asked)
    assert (unknown.status_code, unknown.json()["code"]) == (503, "payment.outcome_unknown")
    await stage.wait(seconds=31)
    assert (await stage.read(str(asked.id)))["status"] == "pending"
    assert len(await sessions_of(stage, str(asked.id))) == 1


async def test_a_strange_page_is_never_given_out(stage: Stage) -> None:
    """S-P6"""
    asked = order(provider="stripe")
    lure = alter(lambda content: content.replace(HOUSE.encode() + b"/sandbox", b"https://evil.example"))
    stage.network.fail(STRIPE_CREATE, lure)
    assert (await stage.post("attempts", asked)).status_code == 503
    assert (await stage.read(str(asked.id)))["confirmation_url"] is None


@pytest.mark.parametrize(
    ("old", "new", "captured"),
    [
        (b'"amount_received":39900', b'"amount_received":39800', {"amount_minor": 39800, "currency": "RUB"}),
        (b'"currency":"rub"', b'"currency":"usd"', {"amount_minor": 39900, "currency": "USD"}),
    ],
)
async def test_another_amount_is_told_as_it_was_taken(
    stage: Stage, old: bytes, new: bytes, captured: dict[str, Any]
) -> None:
    """F-C10: billing decides what becomes of it."""
    attempt = await begin(stage)
    await stage.pay(attempt, STRIPE_CARD)
    stage.network.fail(STRIPE_READ, alter(lambda content: content.replace(old, new)))
    assert (await stage.call_back_stripe(COMPLETED, about(attempt))).status_code == 200
    [event] = await stage.events()
    assert "399.00 RUB was asked for" in str(event.reason)
    [(_, fact)] = await stage.facts(attempt)
    assert fact["captured"] == captured


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
async def test_currencies_of_other_digits_go_there_and_back(stage: Stage, currency: str) -> None:
    """M2"""
    attempt = await stage.begin(order(provider="stripe", currency=currency, total_minor=5000))
    await stage.pay(attempt, STRIPE_CARD)
    assert (await stage.read(attempt["id"]))["captured"] == {"amount_minor": 5000, "currency": currency}


async def test_cancelling_makes_the_link_worthless_at_once(stage: Stage) -> None:
    attempt = await begin(stage)
    canceled = await stage.post(f"attempts/{attempt['id']}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "failed")
    assert canceled.json()["failure"]["code"] == "canceled"
    [(key, fact)] = await stage.facts(attempt)
    assert (key, fact["is_expired"]) == (FAILED, False)
    page = await stage.browse("POST", attempt["confirmation_url"], data={"card_number": STRIPE_CARD})
    assert page.status_code == 200
    assert (await sessions_of(stage, attempt["id"]))[0]["payment_status"] == "unpaid"


async def test_cancelling_what_was_paid_meanwhile_tells_of_the_money(stage: Stage) -> None:
    attempt = await begin(stage)
    await stage.pay(attempt, STRIPE_CARD)
    assert (await stage.post(f"attempts/{attempt['id']}/cancel")).json()["status"] == "succeeded"
    assert await stage.fact_keys(attempt) == [PAID]


@pytest.mark.parametrize("fault", [refuse_connection, cut_reply])
async def test_cancelling_without_an_answer_changes_nothing_until_it_is_known(
    stage: Stage, fault: Any
) -> None:
    attempt = await begin(stage)
    stage.network.fail(f"POST {STRIPE}/checkout/sessions/", fault)
    assert (await stage.post(f"attempts/{attempt['id']}/cancel")).json()["status"] == "pending"
    assert await stage.fact_keys(attempt) == []
    assert (await stage.post(f"attempts/{attempt['id']}/cancel")).json()["status"] == "failed"


async def test_money_given_back_is_told_once(stage: Stage) -> None:
    attempt = await begin_paid(stage)
    asked = give_back(attempt)
    stage.network.fail(STRIPE_REFUND, cut_reply)
    assert (await stage.refund(attempt, asked))["status"] == "pending"
    assert (await stage.refund(attempt, asked))["status"] == "succeeded"
    assert await stage.fact_keys(attempt) == [PAID, "payment.refund.succeeded"]
    [row] = (await stage.ask_stripe("GET", "refunds", params={"limit": "1"}))["data"]
    assert row["metadata"]["refund_id"] == str(asked.id)
    taken = await stage.call_back_stripe("refund.created", row)
    assert taken.status_code == 200
    assert len(await stage.fact_keys(attempt)) == 2


async def test_a_refund_older_than_its_key_is_looked_up(stage: Stage) -> None:
    """W10, F-P4"""
    attempt = await begin_paid(stage)
    asked = give_back(attempt)
    stage.network.fail(STRIPE_REFUND, cut_reply)
    await stage.refund(attempt, asked)
    stage.clock.advance(timedelta(hours=25))
    assert (await stage.refund(attempt, asked))["status"] == "succeeded"
    assert stage.network.count(STRIPE_REFUND) == 1


async def test_a_refund_that_takes_its_time_is_told_by_its_callback_and_one_that_fails_later_is_a_case(
    stage: Stage,
) -> None:
    """F-P8: a succeeded refund of Stripe's is not final; the books need a person then."""
    attempt = await begin_paid(stage, "4000000000007726")
    refund = await stage.refund(attempt)
    assert refund["status"] == "pending"
    [row] = (await stage.ask_stripe("GET", "refunds", params={"limit": "1"}))["data"]
    await stage.call_back_stripe("refund.created", row)
    await stage.pass_in_sandbox(6)
    assert (await stage.call_back_stripe("refund.updated", {**row, "status": "succeeded"})).status_code == 200
    assert await stage.fact_keys(attempt) == [PAID, "payment.refund.succeeded"]
    back = alter(lambda content: content.replace(b'"status":"succeeded"', b'"status":"failed"'))
    stage.network.fail(STRIPE_READ_REFUND, back)
    assert (await stage.call_back_stripe("refund.failed", {**row, "status": "failed"})).status_code == 200
    event = (await stage.events())[-1]
    assert (event.status, event.reason) == ("rejected", "succeeded never becomes failed")
    assert event.case_opened_at is not None


async def test_what_stripe_really_sends_settles_attempts_and_refunds(stage: Stage) -> None:
    """The whole arrow of DESIGN 5.5, signed on the way."""
    stage.from_sandbox.applications["payment"] = stage.app
    paid, slow = await begin(stage), await begin(stage)
    await stage.pay(paid, STRIPE_CARD)
    await stage.pay(slow, SLOW_POOR_CARD)
    await stage.pass_in_sandbox(6)
    assert await stage.wait_for_facts(paid, 1) == [PAID]
    assert await stage.wait_for_facts(slow, 1) == [FAILED]
    await stage.refund(paid)
    assert await stage.wait_for_facts(paid, 2) == [PAID, "payment.refund.succeeded"]
