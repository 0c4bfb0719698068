"""Asking again: growing pauses, several askers, starts, keys that grow old."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.payment.network import answer, cut_reply, refuse_connection
from tests.payment.stage import CREATE, POOR_CARD, READ, Stage, order
from theatre.payment import checks, jobs
from theatre.payment.jobs import Awakening
from theatre.payment.models import Attempt


def test_pauses_grow_to_a_day() -> None:
    pauses = [checks.pause_after(number) for number in range(12)]
    assert pauses[0] == timedelta(seconds=30)
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(days=1)


async def test_a_payment_whose_callback_never_came_is_found_by_asking(stage: Stage) -> None:
    """F-C5"""
    attempt = await stage.begin()
    await stage.pay(attempt)
    await stage.wait(seconds=31)
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]
    asked = stage.network.count(READ)
    await stage.wait(days=2)
    assert stage.network.count(READ) == asked


async def test_nothing_is_asked_before_its_time(stage: Stage) -> None:
    await stage.begin()
    await stage.wait(seconds=29)
    assert stage.network.count(READ) == 0
    await stage.wait(seconds=2)
    await stage.wait(seconds=50)
    assert stage.network.count(READ) == 1
    await stage.wait(seconds=11)
    assert stage.network.count(READ) == 2


async def test_after_a_start_everything_open_is_asked_about_at_once(stage: Stage) -> None:
    """CONTRACT 2: open attempts are asked about at start, whatever pause they had reached."""
    await stage.begin()
    for _ in range(9):
        await stage.wait(days=1.01)
    asked = stage.network.count(READ)
    await stage.run_jobs()
    assert stage.network.count(READ) == asked
    awakening = Awakening()
    for _ in range(2):
        await awakening.run(stage.resources)
        await stage.run_jobs()
    assert stage.network.count(READ) == asked + 1


async def test_whoever_did_not_answer_is_asked_again_soon(stage: Stage) -> None:
    """F-P7: a pause that has grown to a day is not added to an outage of a minute."""
    attempt = await stage.begin()
    await stage.pay(attempt)
    async with stage.resources.sessions.begin() as session:
        row = await session.get_one(Attempt, attempt["id"])
        row.checks = 8
    stage.network.fail(READ, refuse_connection)
    await stage.wait(seconds=31)
    assert await stage.fact_keys(attempt) == []
    await stage.wait(seconds=21)
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_an_outage_does_not_make_the_pauses_grow(stage: Stage) -> None:
    attempt = await stage.begin()
    stage.network.fail(READ, refuse_connection, times=10)
    for _ in range(10):
        await stage.wait(seconds=31)
    await stage.wait(seconds=31)
    await stage.pay(attempt)
    await stage.wait(seconds=61)
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_retry_after_of_the_provider_is_honoured(stage: Stage) -> None:
    """F-P1"""
    attempt = await stage.begin()
    await stage.pay(attempt)
    busy = b'{"type": "error", "id": "1", "code": "too_many_requests"}'
    stage.network.fail(READ, answer(429, busy, {"Retry-After": "600"}))
    await stage.wait(seconds=31)
    await stage.wait(seconds=599)
    assert stage.network.count(READ) == 1
    await stage.wait(seconds=2)
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_a_provider_down_for_23_hours_gets_one_payment_after_it(stage: Stage) -> None:
    """W9: retries go on with one key; after recovery one payment exists."""
    asked = order()
    broken = answer(500, b'{"type": "error", "id": "1", "code": "internal_server_error"}')
    stage.network.fail(CREATE, cut_reply)
    await stage.post("attempts", asked)
    stage.network.fail(CREATE, broken, times=22)
    for _ in range(22):
        await stage.wait(hours=1)
    assert (await stage.read(str(asked.id)))["status"] == "created"
    await stage.wait(minutes=30)
    attempt = await stage.read(str(asked.id))
    assert attempt["status"] == "pending"
    assert set(stage.network.keys(CREATE)) == {attempt["id"]}
    assert await count_there(stage, attempt) == 1


async def test_an_attempt_older_than_its_key_is_looked_up_before_it_is_begun_again(stage: Stage) -> None:
    """W10, F-P4: 25 hours later the provider would take our key for a new one."""
    asked = order()
    stage.network.fail(CREATE, cut_reply)
    await stage.post("attempts", asked)
    stage.clock.advance(timedelta(hours=25))
    attempt = await stage.begin(asked)
    assert stage.network.count(CREATE) == 1
    assert await count_there(stage, attempt) == 1


async def test_an_attempt_older_than_its_key_that_never_arrived_is_begun(stage: Stage) -> None:
    asked = order()
    stage.network.fail(CREATE, refuse_connection)
    await stage.post("attempts", asked)
    stage.clock.advance(timedelta(hours=25))
    attempt = await stage.begin(asked)
    assert attempt["status"] == "pending"
    assert await count_there(stage, attempt) == 1


async def count_there(stage: Stage, attempt: dict[str, Any]) -> int:
    """Count the payment system's payments of an attempt."""
    listed = await stage.ask_sandbox("GET", "payments", params={"limit": "100"})
    return sum(item["metadata"].get("attempt_id") == attempt["id"] for item in listed["items"])


async def test_several_janitors_ask_about_an_attempt_once(stage: Stage) -> None:
    """K25: claims are not shared."""
    attempts = [await stage.begin(order(total_minor=100 + number)) for number in range(8)]
    for attempt in attempts[:4]:
        await stage.pay(attempt)
    for attempt in attempts[4:]:
        await stage.pay(attempt, POOR_CARD)
    stage.clock.advance(timedelta(seconds=31))
    await asyncio.gather(*(jobs.check_attempts(stage.resources) for _ in range(4)))
    assert stage.network.count(READ) == len(attempts)
    facts = [await stage.fact_keys(attempt) for attempt in attempts]
    assert facts == [["payment.attempt.succeeded"]] * 4 + [["payment.attempt.failed"]] * 4


async def test_one_broken_row_does_not_keep_the_others_from_being_asked_about(stage: Stage) -> None:
    broken, attempt = await stage.begin(), await stage.begin()
    await stage.pay(attempt)
    async with stage.resources.sessions.begin() as session:
        (await session.get_one(Attempt, broken["id"])).provider = "gone"
    with pytest.raises(Exception, match="No such payment system"):
        await stage.wait(seconds=31)
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_what_was_sent_long_ago_is_tidied_away(stage: Stage) -> None:
    await stage.begin_paid()
    await jobs.tidy(stage.resources)
    stage.clock.advance(timedelta(days=3))
    await jobs.tidy(stage.resources)
