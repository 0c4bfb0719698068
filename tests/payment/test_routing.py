"""Which provider an attempt goes to, and when another is asked: after a definite no and never after silence.

On this stage USD goes to Stripe, then YooKassa; GBP the other way round; anything else to YooKassa alone.
"""

import asyncio
from typing import Any

import pytest

from tests.payment.network import Fault, Hold, alter, answer, cut_reply, refuse_connection
from tests.payment.stage import (
    CREATE,
    GOOD_CARD,
    STRIPE,
    STRIPE_CARD,
    STRIPE_CREATE,
    Stage,
    order,
)
from theatre.contracts.payment import AttemptStart
from theatre.payment.models import Attempt

NO = answer(400, b'{"error": {"type": "invalid_request_error", "message": "Amount is too small"}}')
YOOKASSA_NO = answer(400, b'{"type": "error", "id": "1", "code": "invalid_request"}')
LIST_SESSIONS = f"GET {STRIPE}/checkout/sessions"
FAILED = "payment.attempt.failed"
PAID = "payment.attempt.succeeded"


def in_dollars(**words: Any) -> AttemptStart:
    return order(currency="USD", **words)


async def made_by_yookassa(stage: Stage, attempt_id: str) -> int:
    """Count YooKassa's payments of an attempt."""
    listed = await stage.ask_sandbox("GET", "payments", params={"limit": "100"})
    return sum(item["metadata"].get("attempt_id") == attempt_id for item in listed["items"])


async def made_by_stripe(stage: Stage, attempt_id: str) -> list[dict[str, Any]]:
    """List Stripe's sessions of an attempt."""
    listed = await stage.ask_stripe("GET", "checkout/sessions", params={"limit": "100"})
    return [item for item in listed["data"] if item["metadata"].get("attempt_id") == attempt_id]


@pytest.mark.parametrize(
    ("currency", "provider"),
    [("USD", "stripe"), ("GBP", "yookassa"), ("RUB", "yookassa"), ("EUR", "yookassa")],
)
async def test_where_none_is_named_the_currency_decides(stage: Stage, currency: str, provider: str) -> None:
    stage.network.fail(CREATE, refuse_connection)
    stage.network.fail(STRIPE_CREATE, refuse_connection)
    asked = order(currency=currency)
    await stage.post("attempts", asked)
    assert (await stage.read(str(asked.id)))["provider"] == provider


async def test_a_named_provider_is_taken_at_its_word(stage: Stage) -> None:
    attempt = await stage.begin(in_dollars(provider="yookassa"))
    assert (attempt["provider"], stage.network.count(STRIPE_CREATE)) == ("yookassa", 0)


async def test_a_definite_no_turns_the_same_attempt_to_the_next_provider(stage: Stage) -> None:
    """Capability 20"""
    stage.network.fail(STRIPE_CREATE, NO)
    asked = in_dollars()
    attempt = await stage.begin(asked)
    assert (attempt["id"], attempt["status"], attempt["provider"]) == (str(asked.id), "pending", "yookassa")
    assert stage.network.keys(CREATE) == [attempt["id"]]
    assert await made_by_stripe(stage, attempt["id"]) == []
    assert await stage.fact_keys(attempt) == []
    await stage.pay(attempt, GOOD_CARD)
    assert (await stage.read(attempt["id"]))["status"] == "succeeded"
    [(key, fact)] = await stage.facts(attempt)
    assert (key, fact["provider"]) == (PAID, "yookassa")


async def test_asking_again_in_the_same_words_goes_on_where_the_attempt_is(stage: Stage) -> None:
    stage.network.fail(STRIPE_CREATE, NO)
    asked = in_dollars()
    attempt = await stage.begin(asked)
    assert await stage.begin(asked) == attempt
    assert await stage.begin(asked.model_copy(update={"provider": "yookassa"})) == attempt
    assert stage.network.count(STRIPE_CREATE) == 1
    other = await stage.post("attempts", asked.model_copy(update={"provider": "stripe"}))
    assert (other.status_code, other.json()["code"]) == (409, "payment.attempt_id_reused")


async def test_when_all_refuse_the_attempt_fails_once(stage: Stage) -> None:
    stage.network.fail(STRIPE_CREATE, NO)
    stage.network.fail(CREATE, YOOKASSA_NO)
    attempt = await stage.begin(in_dollars())
    assert (attempt["status"], attempt["failure"]["code"]) == ("failed", "provider_refused")
    assert await stage.fact_keys(attempt) == [FAILED]


@pytest.mark.parametrize("words", [{"provider": "stripe", "currency": "USD"}, {"currency": "EUR"}])
async def test_no_other_is_asked_where_one_was_named_or_the_route_is_at_its_end(
    stage: Stage, words: dict[str, Any]
) -> None:
    stage.network.fail(STRIPE_CREATE, NO)
    stage.network.fail(CREATE, YOOKASSA_NO)
    attempt = await stage.begin(order(**words))
    assert attempt["status"] == "failed"
    assert stage.network.count(STRIPE_CREATE) + stage.network.count(CREATE) == 1


@pytest.mark.parametrize(
    ("currency", "minor", "provider"),
    [
        ("USD", 50, "stripe"),
        # too little for Stripe, which would be first; YooKassa says nothing of dollars
        ("USD", 49, "yookassa"),
        ("RUB", 100, "yookassa"),
    ],
)
async def test_an_amount_goes_to_the_first_that_takes_it(
    stage: Stage, currency: str, minor: int, provider: str
) -> None:
    """M10"""
    stage.network.fail(CREATE, refuse_connection)
    stage.network.fail(STRIPE_CREATE, refuse_connection)
    asked = order(currency=currency, total_minor=minor)
    await stage.post("attempts", asked)
    assert (await stage.read(str(asked.id)))["provider"] == provider


@pytest.mark.parametrize(
    ("words", "minor"),
    [({"currency": "RUB"}, 99), ({"currency": "USD", "provider": "stripe"}, 49)],
)
async def test_what_none_takes_is_sent_to_none_and_leaves_no_attempt(
    stage: Stage, words: dict[str, str], minor: int
) -> None:
    """M10"""
    asked = order(**words, total_minor=minor)
    refused = await stage.post("attempts", asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "payment.amount_too_small")
    assert (stage.network.count("POST /sandbox"), await stage.count(Attempt)) == (0, 0)


async def test_no_attempt_is_turned_to_where_it_would_be_too_small(stage: Stage) -> None:
    """M10: pounds go to YooKassa first, and Stripe takes none below thirty pence."""
    stage.network.fail(CREATE, YOOKASSA_NO)
    attempt = await stage.begin(order(currency="GBP", total_minor=29))
    assert (attempt["status"], stage.network.count(STRIPE_CREATE)) == ("failed", 0)


SILENCE: dict[str, Fault] = {
    "nobody there": refuse_connection,
    "answer lost": cut_reply,
    "500": answer(500, b'{"error": {"type": "api_error"}}'),
    "502": answer(502, b"<html>"),
    "busy": answer(429, b'{"error": {"type": "invalid_request_error", "code": "rate_limit"}}'),
    "twin at work": answer(409, b'{"error": {"type": "invalid_request_error"}}'),
    "key not known": answer(401, b'{"error": {"type": "invalid_request_error"}}'),
    "a proxy's no": answer(400, b"<html>"),
}


@pytest.mark.parametrize("silence", SILENCE)
async def test_silence_turns_nobody_away(stage: Stage, silence: str) -> None:
    """Capability 20, 8: no failover until the unknown is resolved."""
    stage.network.fail(STRIPE_CREATE, SILENCE[silence])
    asked = in_dollars()
    assert (await stage.post("attempts", asked)).status_code == 503
    assert stage.network.count(CREATE) == 0
    attempt = await stage.begin(asked)
    assert (attempt["status"], attempt["provider"]) == ("pending", "stripe")
    assert await made_by_yookassa(stage, attempt["id"]) == 0


async def test_a_no_after_an_answer_that_was_lost_finds_what_was_begun(stage: Stage) -> None:
    """The first question did begin a session; a no to the second does not undo it."""
    stage.network.fail(STRIPE_CREATE, cut_reply)
    asked = in_dollars()
    await stage.post("attempts", asked)
    stage.network.fail(STRIPE_CREATE, NO)
    attempt = await stage.begin(asked)
    assert (attempt["status"], attempt["provider"]) == ("pending", "stripe")
    [there] = await made_by_stripe(stage, attempt["id"])
    assert attempt["provider_reference"] == there["id"]
    assert await made_by_yookassa(stage, attempt["id"]) == 0


async def test_a_no_whose_last_look_gets_no_answer_turns_nobody_away(stage: Stage) -> None:
    stage.network.fail(STRIPE_CREATE, NO)
    stage.network.fail(LIST_SESSIONS, refuse_connection)
    asked = in_dollars()
    assert (await stage.post("attempts", asked)).status_code == 503
    assert (await stage.read(str(asked.id)))["provider"] == "stripe"
    assert stage.network.count(CREATE) == 0


async def test_killed_between_the_no_and_the_next_provider_the_attempt_is_turned_by_the_janitor(
    stage: Stage,
) -> None:
    """The no was heard, the row not yet moved: the first provider says no again."""
    stage.network.fail(STRIPE_CREATE, refuse_connection)
    asked = in_dollars()
    await stage.post("attempts", asked)
    stage.network.fail(STRIPE_CREATE, NO)
    await stage.wait(seconds=31)
    attempt = await stage.read(str(asked.id))
    assert (attempt["status"], attempt["provider"]) == ("pending", "yookassa")


@pytest.mark.parametrize("fault", [refuse_connection, cut_reply])
async def test_killed_after_the_turn_the_attempt_goes_on_with_the_next_provider_alone(
    stage: Stage, fault: Fault
) -> None:
    stage.network.fail(STRIPE_CREATE, NO)
    stage.network.fail(CREATE, fault)
    asked = in_dollars()
    assert (await stage.post("attempts", asked)).status_code == 503
    await stage.wait(seconds=31)
    attempt = await stage.read(str(asked.id))
    assert (attempt["status"], attempt["provider"]) == ("pending", "yookassa")
    assert stage.network.count(STRIPE_CREATE) == 1
    assert await made_by_yookassa(stage, attempt["id"]) == 1


async def test_ten_at_once_are_turned_once_and_get_one_link(stage: Stage) -> None:
    """C2"""
    stage.network.fail(STRIPE_CREATE, NO, times=10)
    asked = in_dollars()
    answers = await asyncio.gather(*(stage.post("attempts", asked) for _ in range(10)))
    assert {response.status_code for response in answers} <= {200, 503}
    links = {response.json()["confirmation_url"] for response in answers if response.status_code == 200}
    assert len(links) == 1
    assert await made_by_yookassa(stage, str(asked.id)) == 1
    assert await made_by_stripe(stage, str(asked.id)) == []


async def test_a_twin_that_the_first_provider_did_accept_gives_no_second_link(stage: Stage) -> None:
    """Two askers with one key and a provider that says no to one and yes to the other, too late to be looked up."""
    asked, hold = in_dollars(), Hold()
    stage.network.fail(STRIPE_CREATE, hold)
    accepted = asyncio.create_task(stage.post("attempts", asked))
    await hold.arrived.wait()
    stage.network.fail(STRIPE_CREATE, NO)
    stage.network.fail(LIST_SESSIONS, alter(lambda _: b'{"object": "list", "data": [], "has_more": false}'))
    turned = await stage.begin(asked)
    hold.released.set()
    assert (await accepted).status_code == 503
    assert (await stage.begin(asked))["confirmation_url"] == turned["confirmation_url"]
    assert (await stage.row(turned["id"])).provider == "yookassa"


async def test_money_that_comes_by_the_provider_that_was_left_is_kept_for_a_person(stage: Stage) -> None:
    stage.network.fail(STRIPE_CREATE, NO)
    attempt = await stage.begin(in_dollars())
    form = {
        "mode": "payment",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "39900",
        "line_items[0][price_data][product_data][name]": "A month",
        "success_url": "http://127.0.0.1:8000/",
        "metadata[attempt_id]": attempt["id"],
    }
    there = await stage.ask_stripe("POST", "checkout/sessions", data=form)
    await stage.pay({"confirmation_url": there["url"]}, STRIPE_CARD)
    news = {"id": there["id"], "payment_status": "paid"}
    assert (await stage.call_back_stripe("checkout.session.completed", news)).status_code == 200
    [event] = await stage.events()
    assert (event.status, event.reason) == ("waiting", "we know no such attempt")
    assert (await stage.row(attempt["id"])).status == "pending"


async def test_a_payment_has_one_open_attempt_and_another_is_a_conflict(stage: Stage) -> None:
    """Capability 1: the table itself sees to it."""
    first = await stage.begin()
    asked = order(payment_id=first["payment_id"])
    refused = await stage.post("attempts", asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "payment.attempt_open")
    assert await stage.count(Attempt) == 1
    assert stage.network.count(CREATE) == 1
    await stage.pay(first, "5555555555554600")
    assert (await stage.read(first["id"]))["status"] == "failed"
    assert (await stage.begin(asked))["status"] == "pending"


async def test_of_ten_attempts_at_one_payment_at_once_one_is_begun(stage: Stage) -> None:
    payment_id = order().payment_id
    answers = await asyncio.gather(*(stage.post("attempts", order(payment_id=payment_id)) for _ in range(10)))
    statuses = sorted(response.status_code for response in answers)
    assert statuses == [200, *[409] * 9]
    assert await stage.count(Attempt) == 1


async def test_money_for_an_attempt_believed_failed_comes_beside_another_that_is_open(stage: Stage) -> None:
    """The rule is about open ones: a late success is never kept out by it."""
    first = await stage.begin(order(provider="stripe"))
    stage.network.fail(
        f"GET {STRIPE}/checkout/sessions/", alter(lambda content: content.replace(b'"open"', b'"expired"'))
    )
    assert (await stage.read(first["id"]))["status"] == "failed"
    second = await stage.begin(order(payment_id=first["payment_id"]))
    await stage.pay(first, STRIPE_CARD)
    news = {"id": first["provider_reference"], "payment_status": "paid"}
    assert (await stage.call_back_stripe("checkout.session.completed", news)).status_code == 200
    assert (await stage.row(first["id"])).status == "succeeded"
    assert (await stage.row(second["id"])).status == "pending"
