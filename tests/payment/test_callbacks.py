"""Callbacks: durable before they are answered, believed only when the provider confirms them, counted once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from itertools import permutations
from typing import Any
from uuid import uuid4

import orjson
import pytest
import structlog
from redis.asyncio import Redis
from sqlalchemy import text, update

from tests.payment.network import Hold, alter, refuse_connection
from tests.payment.stage import (
    CALLBACKS,
    CREATE,
    PENDING_REFUND_CARD,
    POOR_CARD,
    READ,
    Stage,
    give_back,
    order,
)
from theatre.contracts.payment import AttemptStatus
from theatre.kit.broker import Done, Message, Subscription
from theatre.payment import provider_events
from theatre.payment.flights import Flights
from theatre.payment.models import Attempt, ProviderEvent
from theatre.payment.provider_events import MAX_CHECKS
from theatre.payment.providers import Callback


async def test_a_confirmed_callback_settles_the_attempt_and_is_kept_as_it_came(stage: Stage) -> None:
    attempt = await stage.begin()
    await stage.pay(attempt)
    response = await stage.call_back("payment.succeeded", attempt["provider_reference"], status="succeeded")
    assert response.status_code == 200
    [event] = await stage.events()
    assert (event.status, event.reason, event.next_check_at) == ("applied", None, None)
    assert b'"event"' in event.raw
    assert attempt["provider_reference"].encode() in event.raw
    [(key, fact)] = await stage.facts(attempt)
    assert key == "payment.attempt.succeeded"
    assert fact["provider_reference"] == attempt["provider_reference"]
    assert fact["captured"] == {"amount_minor": 39900, "currency": "RUB"}


@pytest.mark.parametrize("times", [2, 10, 100])
async def test_the_same_callback_many_times_at_once_is_one_transition(stage: Stage, times: int) -> None:
    """W2, F-C1: one fact, and every answer is 200."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    callbacks = (stage.call_back("payment.succeeded", attempt["provider_reference"]) for _ in range(times))
    answers = await asyncio.gather(*callbacks)
    assert {response.status_code for response in answers} == {200}
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]
    assert await stage.count(ProviderEvent) == 1


async def test_the_same_callback_at_two_processes_at_once_is_one_transition(stage: Stage) -> None:
    """W2: between processes the table's key and lock decide."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    outside, hold = stage.resources.outside, Hold()
    body = {
        "type": "notification",
        "event": "payment.succeeded",
        "object": {"id": attempt["provider_reference"]},
    }
    callback = Callback({"content-type": "application/json"}, orjson.dumps(body), ip_address("127.0.0.1"))
    stage.network.fail(READ, hold)
    first = asyncio.create_task(
        provider_events.receive(stage.resources.sessions, outside.provider(None), callback, outside=outside)
    )
    await hold.arrived.wait()
    other = replace(outside, flights=Flights())
    await provider_events.receive(stage.resources.sessions, outside.provider(None), callback, outside=other)
    hold.released.set()
    await first
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]
    assert [event.status for event in await stage.events()] == ["applied"]


async def test_a_known_callback_is_answered_without_asking_the_provider(stage: Stage) -> None:
    """K9: killed after the commit, before the answer."""
    attempt = await stage.begin_paid()
    asked = stage.network.count(READ)
    again = await stage.call_back("payment.succeeded", attempt["provider_reference"])
    assert again.status_code == 200
    assert stage.network.count(READ) == asked
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_a_callback_that_could_not_be_stored_is_not_answered_with_2xx(stage: Stage) -> None:
    """K8: the provider sees no 2xx and sends it again; one event."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    async with stage.resources.sessions.begin() as session:
        await session.execute(text("SET LOCAL lock_timeout = '10s'"))
        # somebody holds the row for longer than a callback waits
        await session.get_one(Attempt, attempt["id"], with_for_update=True)
        async with stage.resources.engine.connect() as other:
            await other.execute(text("SELECT 1"))
        task = asyncio.create_task(stage.call_back("payment.succeeded", attempt["provider_reference"]))
        response = await task
    assert response.status_code == 503
    assert await stage.count(ProviderEvent) == 0
    assert (await stage.call_back("payment.succeeded", attempt["provider_reference"])).status_code == 200
    assert await stage.count(ProviderEvent) == 1
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_a_callback_before_our_answer_counts_and_the_late_answer_overwrites_nothing(
    stage: Stage,
) -> None:
    """W1, F-C3"""
    asked = order()
    hold = Hold()
    stage.network.fail(CREATE, hold)
    beginning = asyncio.create_task(stage.post("attempts", asked))
    await hold.arrived.wait()
    listed = await stage.ask_sandbox("GET", "payments", params={"limit": "100"})
    [there] = [item for item in listed["items"] if item["metadata"].get("attempt_id") == str(asked.id)]
    await stage.pay({"confirmation_url": there["confirmation"]["confirmation_url"]})
    assert (await stage.call_back("payment.succeeded", there["id"])).status_code == 200
    hold.released.set()
    attempt = (await beginning).json()
    assert (attempt["status"], attempt["provider_reference"]) == ("succeeded", there["id"])
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


@pytest.mark.parametrize("sender", ["203.0.113.9", "10.1.2.3", "2001:db8::1"])
async def test_a_callback_from_a_stranger_is_refused_and_leaves_no_trace_but_a_log_line(
    stage: Stage, sender: str
) -> None:
    """W5, F-C6: the right id from the wrong sender."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    with structlog.testing.capture_logs() as lines:
        response = await stage.call_back("payment.succeeded", attempt["provider_reference"], sender=sender)
    assert (response.status_code, response.json()["code"]) == (403, "payment.callback_forged")
    assert [line for line in lines if line["event"] == "forged callback" and line["sender"] == sender]
    assert await stage.count(ProviderEvent) == 0
    assert (await stage.row(attempt["id"])).status == "pending"


@pytest.mark.parametrize("event", ["payment.succeeded", "payment.canceled"])
async def test_a_callback_that_the_provider_does_not_confirm_is_refused(stage: Stage, event: str) -> None:
    """W5: the right sender and id, but the money never moved."""
    attempt = await stage.begin()
    response = await stage.call_back(event, attempt["provider_reference"], status="succeeded", paid=True)
    assert response.status_code == 403
    assert await stage.count(ProviderEvent) == 0
    assert await stage.fact_keys(attempt) == []


async def test_a_callback_about_what_the_provider_does_not_know_is_refused(stage: Stage) -> None:
    for event in ("payment.succeeded", "refund.succeeded"):
        assert (await stage.call_back(event, str(uuid4()))).status_code == 403
    assert await stage.count(ProviderEvent) == 0


async def test_forgers_are_slowed_down(stage: Stage) -> None:
    """S-P1: counted per address; the true sender is not hurt by it."""
    rate = 60
    sender = "198.51.100.7"
    answers = [await stage.call_back("payment.succeeded", "x", sender=sender) for _ in range(rate + 1)]
    assert {response.status_code for response in answers[:rate]} == {403}
    assert answers[rate].status_code == 429
    assert "Retry-After" in answers[rate].headers
    attempt = await stage.begin()
    await stage.pay(attempt)
    assert (await stage.call_back("payment.succeeded", attempt["provider_reference"])).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"type": "notification"}', "application/json", 400),
        ("{'я'}".encode("cp1251"), "application/json", 400),
        (b"\xff\xfe\x00", "application/json", 400),
        (b"event=payment.succeeded", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
        (b'{"a": ' + b"1" * 5_000 + b"}", "application/json", 400),
    ],
)
async def test_rubbish_is_refused_without_a_crash(stage: Stage, body: bytes, kind: str, status: int) -> None:
    """W16, F-C14"""
    response = await stage.caller().post(CALLBACKS, content=body, headers={"Content-Type": kind})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert await stage.count(ProviderEvent) == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "PATCH"])
async def test_only_a_post_is_a_callback(stage: Stage, method: str) -> None:
    """S-P1"""
    assert (await stage.caller().request(method, CALLBACKS)).status_code == 405


async def test_an_unknown_provider_has_no_callbacks(stage: Stage) -> None:
    response = await stage.caller().post("/payment/api/v1/callbacks/paypal", json={})
    assert (response.status_code, response.json()["code"]) == (404, "payment.provider_not_found")


async def test_an_event_that_we_have_no_use_for_is_taken_and_put_aside(stage: Stage) -> None:
    response = await stage.call_back("payment_method.active", "pm-1")
    assert response.status_code == 200
    [event] = await stage.events()
    assert (event.status, event.reason) == ("rejected", "we have no use for this event")


async def test_with_the_provider_away_a_callback_is_kept_and_judged_later(stage: Stage) -> None:
    """F-P7: callbacks are queued."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    stage.network.fail(READ, refuse_connection, times=3)
    assert (await stage.call_back("payment.succeeded", attempt["provider_reference"])).status_code == 200
    [event] = await stage.events()
    assert event.status == "waiting"
    await stage.wait(seconds=31)
    assert (await stage.events())[0].status == "waiting"
    await stage.wait(seconds=31)
    assert (await stage.events())[0].status == "applied"
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_a_kept_callback_that_turns_out_forged_is_rejected(stage: Stage) -> None:
    attempt = await stage.begin()
    stage.network.fail(READ, refuse_connection)
    assert (await stage.call_back("payment.succeeded", attempt["provider_reference"])).status_code == 200
    await stage.wait(seconds=31)
    [event] = await stage.events()
    assert (event.status, event.reason) == ("rejected", "the provider does not confirm it")
    assert (await stage.row(attempt["id"])).status == "pending"


async def test_a_judged_callback_is_not_judged_again(stage: Stage) -> None:
    """Two janitors, of which one met a provider that contradicted itself."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    stage.network.fail(READ, refuse_connection)
    await stage.call_back("payment.succeeded", attempt["provider_reference"])
    [waiting] = await stage.events()
    await stage.call_back("payment.succeeded", attempt["provider_reference"])
    stage.network.fail(READ, alter(lambda content: content.replace(b'"succeeded"', b'"pending"')))
    outside = stage.resources.outside
    await provider_events.check(stage.resources.sessions, waiting, outside=outside)
    assert [event.status for event in await stage.events()] == ["applied"]


async def test_a_callback_sent_again_while_it_waits_is_judged_at_once(stage: Stage) -> None:
    attempt = await stage.begin()
    await stage.pay(attempt)
    stage.network.fail(READ, refuse_connection)
    await stage.call_back("payment.succeeded", attempt["provider_reference"])
    await stage.call_back("payment.succeeded", attempt["provider_reference"])
    [event] = await stage.events()
    assert event.status == "applied"


async def make_stranger(stage: Stage, attempt_id: str = "") -> dict[str, Any]:
    """Let somebody else use our shop at the provider, and be paid."""
    body = {
        "amount": {"value": "399.00", "currency": "RUB"},
        "capture": True,
        "confirmation": {"type": "redirect", "return_url": "http://127.0.0.1:8000/"},
        "metadata": {"attempt_id": attempt_id},
    }
    there = await stage.ask_sandbox("POST", "payments", json=body, headers={"Idempotence-Key": str(uuid4())})
    await stage.pay({"confirmation_url": there["confirmation"]["confirmation_url"]})
    return there


async def test_an_unknown_object_is_kept_and_matched_when_its_attempt_appears(stage: Stage) -> None:
    """W4"""
    asked = order()
    there = await make_stranger(stage, str(asked.id))
    assert (await stage.call_back("payment.succeeded", there["id"])).status_code == 200
    [event] = await stage.events()
    assert (event.status, event.reason) == ("waiting", "we know no such attempt")
    stage.network.fail(CREATE, refuse_connection)
    await stage.post("attempts", asked)
    await stage.wait(seconds=31)
    assert (await stage.events())[0].status == "applied"
    assert await stage.fact_keys({"payment_id": str(asked.payment_id)}) == ["payment.attempt.succeeded"]


async def test_an_unknown_object_becomes_a_case_after_the_last_try_and_is_never_lost(stage: Stage) -> None:
    """W4, F-C11"""
    there = await make_stranger(stage)
    await stage.call_back("payment.succeeded", there["id"])
    for _ in range(MAX_CHECKS):
        assert (await stage.events())[0].case_opened_at is None
        await stage.wait(days=1.01)
    [event] = await stage.events()
    assert (event.status, event.next_check_at) == ("waiting", None)
    assert event.case_opened_at is not None
    asked = stage.network.count(READ)
    await stage.wait(days=30)
    assert stage.network.count(READ) == asked


def amount_of(value: bytes, currency: bytes) -> Callable[[bytes], bytes]:
    """Make the change of an answer's amount."""
    return lambda content: content.replace(b'"399.00"', b'"' + value + b'"').replace(b'"RUB"', currency)


@pytest.mark.parametrize(
    ("value", "currency", "captured"),
    [
        (b"1.00", b'"RUB"', {"amount_minor": 100, "currency": "RUB"}),
        (b"399.01", b'"RUB"', {"amount_minor": 39901, "currency": "RUB"}),
        (b"399.00", b'"USD"', {"amount_minor": 39900, "currency": "USD"}),
    ],
)
async def test_another_amount_is_told_as_it_was_taken_and_the_difference_recorded(
    stage: Stage, value: bytes, currency: bytes, captured: dict[str, Any]
) -> None:
    """F-C10: billing decides what becomes of it."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    stage.network.fail(READ, alter(amount_of(value, currency)))
    assert (await stage.call_back("payment.succeeded", attempt["provider_reference"])).status_code == 200
    [event] = await stage.events()
    assert event.reason is not None
    assert "399.00 RUB was asked for" in event.reason
    [(_, fact)] = await stage.facts(attempt)
    assert fact["captured"] == captured


async def test_an_amount_in_the_callback_counts_for_nothing(stage: Stage) -> None:
    """F-C7: only what the provider confirms counts."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    lie = {"value": "1.00", "currency": "RUB"}
    await stage.call_back("payment.succeeded", attempt["provider_reference"], amount=lie)
    [(_, fact)] = await stage.facts(attempt)
    assert fact["captured"] == {"amount_minor": 39900, "currency": "RUB"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [(b'"account_id":"100001"', b'"account_id":"666"', "it belongs to another shop")],
)
async def test_money_of_another_shop_is_not_believed_and_is_a_case(
    stage: Stage, old: bytes, new: bytes, reason: str
) -> None:
    """F-C10"""
    attempt = await stage.begin()
    await stage.pay(attempt)
    stage.network.fail(READ, alter(lambda content: content.replace(b": ", b":").replace(old, new)))
    assert (await stage.call_back("payment.succeeded", attempt["provider_reference"])).status_code == 200
    [event] = await stage.events()
    assert (event.status, event.reason) == ("rejected", reason)
    assert event.case_opened_at is not None
    assert (await stage.row(attempt["id"])).status == "pending"
    assert await stage.fact_keys(attempt) == []


CALLS: dict[str, Callable[[Stage, str], Awaitable[Any]]] = {
    "waiting": lambda stage, reference: stage.call_back("payment.waiting_for_capture", reference),
    "succeeded": lambda stage, reference: stage.call_back("payment.succeeded", reference),
    "canceled": lambda stage, reference: stage.call_back("payment.canceled", reference),
}


@pytest.mark.parametrize("names", list(permutations(CALLS)))
async def test_callbacks_in_any_order_end_in_what_the_provider_says(
    stage: Stage, names: tuple[str, ...]
) -> None:
    """F-C2: never backwards."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    for name in names:
        await CALLS[name](stage, attempt["provider_reference"])
    assert (await stage.row(attempt["id"])).status == "succeeded"
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def set_row(stage: Stage, attempt: dict[str, Any], **values: Any) -> None:
    """Put an attempt into a state that only history can explain."""
    async with stage.resources.sessions.begin() as session:
        await session.execute(update(Attempt).where(Attempt.id == attempt["id"]).values(**values))


async def test_what_would_undo_a_success_is_rejected_with_its_reason(stage: Stage) -> None:
    """F-C2: illegal ones are stored as rejected."""
    attempt = await stage.begin()
    await stage.pay(attempt, POOR_CARD)
    await set_row(
        stage,
        attempt,
        status=AttemptStatus.SUCCEEDED,
        captured_minor=1,
        captured_currency="RUB",
        captured_at=stage.clock.now(),
    )
    assert (await stage.call_back("payment.canceled", attempt["provider_reference"])).status_code == 200
    [event] = await stage.events()
    assert (event.status, event.reason) == ("rejected", "succeeded never becomes failed")
    assert (await stage.row(attempt["id"])).status == "succeeded"


@pytest.mark.parametrize("late", [timedelta(hours=23), timedelta(days=3)])
async def test_a_late_success_of_an_attempt_believed_failed_wins(stage: Stage, late: timedelta) -> None:
    """F-C4: money is never orphaned."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    await set_row(stage, attempt, status=AttemptStatus.FAILED, failure_code="expired", next_check_at=None)
    stage.clock.advance(late)
    assert (await stage.call_back("payment.succeeded", attempt["provider_reference"])).status_code == 200
    row = await stage.row(attempt["id"])
    assert (row.status, row.failure_code) == ("succeeded", None)
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_an_attempt_begun_twice_at_the_provider_is_paid_by_whichever_is_paid(stage: Stage) -> None:
    """Over a day apart the provider may have begun it twice."""
    attempt = await stage.begin()
    there = await make_stranger(stage, attempt["id"])
    assert (await stage.call_back("payment.succeeded", there["id"])).status_code == 200
    row = await stage.row(attempt["id"])
    assert (row.status, row.provider_reference) == ("succeeded", there["id"])


async def test_money_taken_a_second_time_for_one_attempt_is_a_case(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    there = await make_stranger(stage, attempt["id"])
    assert (await stage.call_back("payment.succeeded", there["id"])).status_code == 200
    event = (await stage.events())[-1]
    assert event.status == "rejected"
    assert event.case_opened_at is not None
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_a_refund_that_succeeds_later_is_told_by_its_callback(stage: Stage) -> None:
    attempt = await stage.begin_paid(PENDING_REFUND_CARD)
    refund = await stage.refund(attempt)
    assert refund["status"] == "pending"
    assert await answer_refund(stage, refund)


async def answer_refund(stage: Stage, refund: dict[str, Any]) -> bool:
    """Call back about a refund whose answer at the provider says that it succeeded."""
    listed = await stage.ask_sandbox("GET", "refunds", params={"limit": "100"})
    [there] = [item for item in listed["items"] if item["metadata"].get("refund_id") == refund["id"]]
    stage.network.fail(
        "GET /sandbox/v3/refunds/", alter(lambda content: content.replace(b'"pending"', b'"succeeded"'))
    )
    response = await stage.call_back("refund.succeeded", there["id"])
    assert response.status_code == 200
    [*_, event] = await stage.events()
    return event.status == "applied"


async def test_a_second_refund_in_the_name_of_one_is_a_case(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    refund = await stage.refund(attempt, give_back(attempt, amount_minor=100))
    body = {
        "payment_id": attempt["provider_reference"],
        "amount": {"value": "1.00", "currency": "RUB"},
        "metadata": {"refund_id": refund["id"]},
    }
    there = await stage.ask_sandbox("POST", "refunds", json=body, headers={"Idempotence-Key": str(uuid4())})
    assert (await stage.call_back("refund.succeeded", there["id"])).status_code == 200
    event = (await stage.events())[-1]
    assert event.status == "rejected"
    assert event.case_opened_at is not None


async def test_what_the_payment_system_really_sends_settles_attempts_and_refunds(stage: Stage) -> None:
    """The whole arrow of DESIGN 5.5."""
    stage.from_sandbox.applications["payment"] = stage.app
    paid, declined = await stage.begin(), await stage.begin()
    await stage.pay(paid)
    await stage.pay(declined, POOR_CARD)
    assert await stage.wait_for_facts(paid, 1) == ["payment.attempt.succeeded"]
    assert await stage.wait_for_facts(declined, 1) == ["payment.attempt.failed"]
    await stage.refund(paid)
    assert await stage.wait_for_facts(paid, 2) == ["payment.attempt.succeeded", "payment.refund.succeeded"]


async def test_facts_reach_whoever_listens_at_the_broker(stage: Stage) -> None:
    heard: asyncio.Queue[Message] = asyncio.Queue()

    async def receive(message: Message, _: bool) -> Done:
        await heard.put(message)
        return Done()

    await stage.resources.broker.declare([Subscription("test-payment", ("payment.#",))])
    listening = asyncio.create_task(stage.resources.broker.consume("test-payment", receive))
    attempt = await stage.begin_paid()
    async with asyncio.timeout(20):
        while attempt["id"].encode() not in (message := await heard.get()).body:
            pass
    assert message.key == "payment.attempt.succeeded"
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_redis_emptied_changes_nothing_about_money(stage: Stage) -> None:
    """F-R1"""
    attempt = await stage.begin()
    await stage.pay(attempt)
    async with Redis.from_url(stage.settings.redis_url) as redis:
        await redis.flushdb()
    assert (await stage.call_back("payment.succeeded", attempt["provider_reference"])).status_code == 200
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]
    assert (await stage.refund(attempt, give_back(attempt)))["status"] == "succeeded"
