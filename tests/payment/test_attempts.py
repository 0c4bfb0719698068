"""Beginning attempts: once per id, whatever is lost on the way."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.payment.network import Hold, alter, answer, cut_reply, refuse_connection
from tests.payment.stage import CREATE, HOUSE, POOR_CARD, READ, Stage, order
from theatre.kit.ids import new_id
from theatre.payment.models import Attempt


async def test_a_begun_attempt_has_a_link_a_short_link_and_a_term(stage: Stage) -> None:
    asked = order()
    attempt = await stage.begin(asked)
    assert attempt["id"] == str(asked.id)
    assert (attempt["status"], attempt["provider"], attempt["failure"]) == ("pending", "yookassa", None)
    assert attempt["confirmation_url"].startswith(f"{HOUSE}/sandbox/checkout/")
    assert attempt["short_url"].startswith(f"{HOUSE}/s/")
    page = await stage.browse("GET", attempt["short_url"])
    assert (page.status_code, page.headers["location"]) == (302, attempt["confirmation_url"])
    created = (await stage.row(attempt["id"])).created_at
    assert (await stage.row(attempt["id"])).expires_at - created >= timedelta(hours=1)


async def test_the_provider_is_asked_with_the_attempt_as_key_and_gets_our_page_of_return(
    stage: Stage,
) -> None:
    attempt = await stage.begin()
    there = await stage.ask_sandbox("GET", f"payments/{attempt['provider_reference']}")
    assert stage.network.keys(CREATE) == [attempt["id"]]
    assert there["amount"] == {"value": "399.00", "currency": "RUB"}
    assert there["metadata"]["attempt_id"] == attempt["id"]
    assert there["confirmation"]["return_url"] == f"{HOUSE}/payment/return/{attempt['id']}"


async def test_the_same_id_again_gives_the_same_attempt_without_asking_anew(stage: Stage) -> None:
    """K5: killed after the reference was stored, before billing had the answer."""
    asked = order()
    first = await stage.begin(asked)
    assert await stage.begin(asked) == first
    assert stage.network.count(CREATE) == 1


@pytest.mark.parametrize(
    "words",
    [
        {"total_minor": 39901},
        {"currency": "USD"},
        {"payment_id": UUID(int=404)},
        {"user_id": UUID(int=404)},
        {"description": "Something else"},
        {"return_url": f"{HOUSE}/elsewhere"},
        {"save_method": True},
    ],
)
async def test_the_same_id_with_other_words_is_a_conflict(stage: Stage, words: dict[str, Any]) -> None:
    asked = order()
    await stage.begin(asked)
    defaults = {"id": asked.id, "payment_id": asked.payment_id, "user_id": asked.user_id}
    response = await stage.post("attempts", order(**{**defaults, **words}))
    assert (response.status_code, response.json()["code"]) == (409, "payment.attempt_id_reused")
    assert stage.network.count(CREATE) == 1


async def test_naming_the_provider_that_was_the_default_is_no_other_word(stage: Stage) -> None:
    asked = order()
    first = await stage.begin(asked)
    assert await stage.begin(asked.model_copy(update={"provider": "yookassa"})) == first


async def test_fifty_at_once_with_one_id_make_one_operation(stage: Stage) -> None:
    """C2"""
    asked = order()
    answers = await asyncio.gather(*(stage.post("attempts", asked) for _ in range(50)))
    begun = [response.json()["provider_reference"] for response in answers if response.status_code == 200]
    assert {response.status_code for response in answers} <= {200, 503}
    assert len(set(begun)) == 1
    assert await stage.count(Attempt) == 1
    listed = await stage.ask_sandbox("GET", "payments", params={"limit": "100"})
    assert sum(item["metadata"].get("attempt_id") == str(asked.id) for item in listed["items"]) == 1


async def test_killed_before_the_provider_was_asked_the_same_key_begins_it(stage: Stage) -> None:
    """K3: the attempt is committed, the provider never heard of it."""
    asked = order()
    stage.network.fail(CREATE, refuse_connection)
    lost = await stage.post("attempts", asked)
    assert (lost.status_code, lost.json()["code"]) == (503, "payment.outcome_unknown")
    assert "Retry-After" in lost.headers
    assert (await stage.read(str(asked.id)))["status"] == "created"
    attempt = await stage.begin(asked)
    assert attempt["status"] == "pending"
    assert set(stage.network.keys(CREATE)) == {attempt["id"]}


async def test_an_answer_lost_after_the_provider_accepted_makes_no_second_operation(stage: Stage) -> None:
    """K4, W8, F-P2: unknown, not failed; asked again with the same key."""
    asked = order()
    stage.network.fail(CREATE, cut_reply)
    assert (await stage.post("attempts", asked)).status_code == 503
    assert await stage.fact_keys({"payment_id": str(asked.payment_id)}) == []
    attempt = await stage.begin(asked)
    listed = await stage.ask_sandbox("GET", "payments", params={"limit": "100"})
    mine = [item["id"] for item in listed["items"] if item["metadata"].get("attempt_id") == attempt["id"]]
    assert mine == [attempt["provider_reference"]]


async def test_an_attempt_that_nobody_asks_about_again_goes_on_by_itself(stage: Stage) -> None:
    """F-P3: the janitor asks with the same key."""
    asked = order()
    stage.network.fail(CREATE, cut_reply)
    await stage.post("attempts", asked)
    await stage.wait(seconds=31)
    attempt = await stage.read(str(asked.id))
    assert attempt["status"] == "pending"
    assert attempt["confirmation_url"]


async def test_a_definite_no_fails_the_attempt_in_our_words_and_is_told_once(stage: Stage) -> None:
    asked = order()
    refusal = b'{"type": "error", "id": "1", "code": "invalid_request", "description": "Amount too large"}'
    stage.network.fail(CREATE, answer(400, refusal))
    attempt = await stage.begin(asked)
    assert attempt["status"] == "failed"
    assert attempt["failure"] == {"code": "provider_refused", "message": "The payment system refused."}
    assert await stage.begin(asked) == attempt
    [(key, fact)] = await stage.facts(attempt)
    assert key == "payment.attempt.failed"
    assert (fact["failure"]["code"], fact["is_expired"]) == ("provider_refused", False)


async def test_a_refusal_that_comes_after_a_success_fails_nothing(stage: Stage) -> None:
    """Two askers with one key, one of them answered by a confused proxy."""
    asked = order()
    hold = Hold()
    refusal = answer(400, b'{"type": "error", "id": "1", "code": "invalid_request"}')

    async def refused_late(request: Any, forward: Any) -> Any:
        await hold(request, forward)
        return await refusal(request, forward)

    stage.network.fail(CREATE, refused_late)
    late = asyncio.create_task(stage.post("attempts", asked))
    await hold.arrived.wait()
    attempt = await stage.begin(asked)
    hold.released.set()
    assert (await late).json()["status"] == "pending"
    assert await stage.fact_keys(attempt) == []


async def test_an_archived_price_does_not_matter_to_a_payment_under_way(stage: Stage) -> None:
    """W11, payment's part: what was asked for is kept in the attempt, whatever becomes of the catalogue."""
    attempt = await stage.begin_paid()
    [(key, fact)] = await stage.facts(attempt)
    assert (key, fact["captured"]) == (
        "payment.attempt.succeeded",
        {"amount_minor": 39900, "currency": "RUB"},
    )


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/pay", "javascript:alert(1)", "http://yoomoney.ru/", f"{HOUSE}@evil.example/"],
)
async def test_nobody_is_sent_to_a_strange_address_for_paying(stage: Stage, url: str) -> None:
    """S-P6"""
    asked = order()

    def lure(content: bytes) -> bytes:
        start = content.index(b"http://127.0.0.1:8000/sandbox/checkout/")
        return content[:start] + url.encode() + content[content.index(b'"', start) :]

    stage.network.fail(CREATE, alter(lure))
    response = await stage.post("attempts", asked)
    assert response.status_code == 503
    assert (await stage.read(str(asked.id)))["confirmation_url"] is None


async def test_an_answer_that_does_not_say_whose_it_is_decides_nothing(stage: Stage) -> None:
    asked = order()
    stage.network.fail(CREATE, alter(lambda content: content.replace(b'"attempt_id"', b'"another_id"')))
    assert (await stage.post("attempts", asked)).status_code == 503
    assert (await stage.begin(asked))["status"] == "pending"


async def test_without_short_links_the_attempt_begins_and_gets_one_when_asked_again(stage: Stage) -> None:
    asked = order()
    stage.network.fail("POST /short_link/", refuse_connection)
    attempt = await stage.begin(asked)
    assert (attempt["short_url"], attempt["status"]) == (None, "pending")
    stage.network.fail("POST /short_link/", answer(422, b'{"code": "short_link.address_refused"}'))
    assert (await stage.begin(asked))["short_url"] is None
    assert (await stage.begin(asked))["short_url"].startswith(f"{HOUSE}/s/")


async def test_a_link_that_is_over_gets_no_short_link(stage: Stage) -> None:
    asked = order()
    stage.network.fail("POST /short_link/", refuse_connection)
    await stage.begin(asked)
    stage.clock.advance(timedelta(hours=2))
    assert (await stage.begin(asked))["short_url"] is None


async def test_reading_an_open_attempt_asks_the_provider_first(stage: Stage) -> None:
    attempt = await stage.begin()
    await stage.pay(attempt)
    assert (await stage.read(attempt["id"]))["status"] == "succeeded"
    asked = stage.network.count(READ)
    assert (await stage.read(attempt["id"]))["status"] == "succeeded"
    assert stage.network.count(READ) == asked
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_reading_a_paid_attempt_tells_what_was_taken(stage: Stage) -> None:
    """F-B4: billing learns the whole outcome by asking, though no message reaches it."""
    attempt = await stage.begin()
    assert (attempt["captured"], attempt["captured_at"]) == (None, None)
    await stage.pay(attempt)
    paid = await stage.read(attempt["id"])
    [(_, fact)] = await stage.facts(attempt)
    assert paid["captured"] == fact["captured"] == {"amount_minor": 39900, "currency": "RUB"}
    assert paid["captured_at"] == fact["captured_at"]


async def test_reading_with_the_provider_away_gives_what_we_know(stage: Stage, monkeypatch: Any) -> None:
    attempt = await stage.begin()
    stage.network.fail(READ, refuse_connection)
    assert (await stage.read(attempt["id"]))["status"] == "pending"
    monkeypatch.setattr("theatre.payment.attempts.ASK_SECONDS", 0.05)
    stage.network.fail(READ, Hold())
    assert (await stage.read(attempt["id"]))["status"] == "pending"


async def test_a_reference_that_the_provider_forgot_stays_open(stage: Stage) -> None:
    attempt = await stage.begin()
    stage.network.fail(READ, answer(404, b'{"type": "error", "id": "1", "code": "not_found"}'))
    assert (await stage.read(attempt["id"]))["status"] == "pending"


async def test_cancelling_leaves_an_open_attempt_open_and_tells_the_truth_about_a_paid_one(
    stage: Stage,
) -> None:
    attempt = await stage.begin()
    canceled = await stage.post(f"attempts/{attempt['id']}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "pending")
    await stage.pay(attempt)
    assert (await stage.post(f"attempts/{attempt['id']}/cancel")).json()["status"] == "succeeded"


async def test_a_declined_card_fails_the_attempt_in_our_words(stage: Stage) -> None:
    attempt = await stage.begin()
    await stage.pay(attempt, POOR_CARD)
    read = await stage.read(attempt["id"])
    assert (read["status"], read["failure"]["code"]) == ("failed", "insufficient_funds")
    [(key, fact)] = await stage.facts(attempt)
    assert (key, fact["is_expired"]) == ("payment.attempt.failed", False)
    assert fact["failure"]["message"]


async def test_no_transaction_is_open_while_the_provider_thinks(stage: Stage) -> None:
    """F-P6"""
    hold = Hold()
    stage.network.fail(CREATE, hold)
    beginning = asyncio.create_task(stage.begin())
    await hold.arrived.wait()
    idle = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    )
    try:
        async with stage.resources.engine.connect() as connection:
            assert await connection.scalar(text(idle)) == 0
    finally:
        hold.released.set()
        await beginning


async def test_two_attempts_of_one_user_are_not_mixed_up(stage: Stage) -> None:
    """F-R6"""
    user_id = new_id()
    first, second = [await stage.begin(order(user_id=user_id, total_minor=minor)) for minor in (100, 200)]
    await stage.pay(second)
    assert (await stage.read(first["id"]))["status"] == "pending"
    assert (await stage.read(second["id"]))["status"] == "succeeded"
