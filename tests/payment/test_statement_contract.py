"""What every payment system must be able to list: the same tests for each member of the statement port."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.payment.network import answer, refuse_connection
from tests.payment.payer import Payer
from tests.payment.stage import GOOD_CARD, HOUSE, STRIPE, STRIPE_CARD, Stage, give_back, order
from theatre.contracts.payment import PREFIX
from theatre.kit.money import Money
from theatre.payment.providers import stripe_statement, yookassa_statement, yoomoney_history
from theatre.payment.providers.members import MAKERS
from theatre.payment.providers.yoomoney_commission import charged_of, credited_of
from theatre.payment.wallet_port import TransferOrder

# what the wallet system keeps of it and gives back of that does not come out even
UNEVEN_MINOR = next(
    minor
    for minor in range(39900, 50000)
    if charged_of(credited_of(Money(minor, "RUB"), by_card=False), by_card=False).amount_minor != minor
)


@dataclass(frozen=True)
class Till:
    """A member of the port and the world around it.

    `pay_again` pays once more for an attempt that is paid, without a word to us. `list_call` is how its request begins,
    `page` where the size of its pages stands. `fee_minor` is what is kept of 399 roubles, `refund_fee_minor` of giving
    49.90 of them back. `has_cabinet`: money may be given back there, and tells of which payment.
    """

    stage: Stage
    name: str
    pay: Callable[[dict[str, Any]], Awaitable[None]]
    pay_again: Callable[[dict[str, Any]], Awaitable[None]]
    list_call: str
    nonsense: bytes
    page: tuple[ModuleType, str]
    fee_minor: int
    refund_fee_minor: int | None = None
    has_cabinet: bool = True

    async def sell(self, **words: Any) -> dict[str, Any]:
        """Begin an attempt, pay it, and have payment ask how it stands."""
        attempt = await self.stage.begin(order(provider=self.name, **words))
        await self.pay(attempt)
        paid = await self.stage.read(attempt["id"])
        assert paid["status"] == "succeeded"
        return paid

    async def list(self, since: datetime) -> list[dict[str, Any]]:
        return await self.stage.list_operations(since, provider=self.name)

    async def give_back(self, attempt: dict[str, Any], amount_minor: int = 4990) -> dict[str, Any]:
        refund = await self.stage.refund(attempt, give_back(attempt, amount_minor=amount_minor))
        assert refund["status"] == "succeeded"
        return refund


def yookassa(stage: Stage) -> Till:
    async def pay_again(attempt: dict[str, Any]) -> None:
        first = await stage.ask_sandbox("GET", f"payments/{attempt['provider_reference']}")
        body = {
            "amount": first["amount"],
            "capture": True,
            "confirmation": {"type": "redirect", "return_url": f"{HOUSE}/"},
            "metadata": first["metadata"],
        }
        key = {"Idempotence-Key": str(uuid4())}
        second = await stage.ask_sandbox("POST", "payments", json=body, headers=key)
        await stage.pay({"confirmation_url": second["confirmation"]["confirmation_url"]})

    return Till(
        stage,
        "yookassa",
        pay=lambda attempt: stage.pay(attempt, GOOD_CARD),
        pay_again=pay_again,
        list_call="GET /sandbox/v3/payments",
        nonsense=b'{"items": [{"id": "x"}]}',
        page=(yookassa_statement, "PAGE_ITEMS"),
        fee_minor=1397,
    )


def stripe(stage: Stage) -> Till:
    async def pay_again(attempt: dict[str, Any]) -> None:
        form = {
            "mode": "payment",
            "line_items[0][price_data][currency]": "rub",
            "line_items[0][price_data][unit_amount]": "39900",
            "line_items[0][price_data][product_data][name]": "A month",
            "success_url": f"{HOUSE}/",
            "payment_intent_data[metadata][attempt_id]": attempt["id"],
        }
        second = await stage.ask_stripe("POST", "checkout/sessions", data=form)
        await stage.pay({"confirmation_url": second["url"]}, STRIPE_CARD)

    return Till(
        stage,
        "stripe",
        pay=lambda attempt: stage.pay(attempt, STRIPE_CARD),
        pay_again=pay_again,
        list_call=f"GET {STRIPE}/balance_transactions",
        nonsense=b'{"object": "list", "data": [{"id": "x"}], "has_more": false}',
        page=(stripe_statement, "PAGE_ITEMS"),
        fee_minor=1397,
    )


def yoomoney(stage: Stage) -> Till:
    async def pay(attempt: dict[str, Any]) -> None:
        total = Money((await stage.row(attempt["id"])).amount_minor, "RUB")
        transfer = TransferOrder(UUID(attempt["id"]), total, "A month")
        await Payer(stage).pay_form(stage.desk.wallet.pay_form(transfer, return_url=f"{HOUSE}/r"))

    return Till(
        stage,
        "yoomoney",
        pay=pay,
        pay_again=pay,
        list_call="POST /sandbox/yoomoney/api/operation-history",
        nonsense=b'{"operations": [{"operation_id": "x"}]}',
        page=(yoomoney_history, "PAGE_RECORDS"),
        fee_minor=395,
        refund_fee_minor=50,
        has_cabinet=False,
    )


MEMBERS: dict[str, Callable[[Stage], Till]] = {"yookassa": yookassa, "stripe": stripe, "yoomoney": yoomoney}


@pytest.fixture(params=list(MEMBERS))
def till(request: pytest.FixtureRequest, stage: Stage) -> Till:
    return MEMBERS[request.param](stage)


@pytest.fixture
async def since(stage: Stage) -> datetime:
    """A whole second before anything of the test happens and after all else did, by the payment systems' clock."""
    await stage.ask_clock(advance_seconds=2)
    told = (await stage.browse("GET", "/sandbox/control/v1/clock")).json()
    return datetime.fromisoformat(told["now"]).replace(microsecond=0)


def of_kind(operations: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [operation for operation in operations if operation["kind"] == kind]


def test_every_known_member_is_tried(stage: Stage) -> None:
    assert set(MEMBERS) == set(MAKERS) == set(stage.resources.outside.statements)


async def test_captures_and_refunds_are_listed_with_our_ids_and_the_fee(till: Till, since: datetime) -> None:
    attempt = await till.sell()
    refund = await till.give_back(attempt)
    await till.stage.begin(order(provider=till.name))
    operations = await till.list(since)
    (capture,), (given_back,) = of_kind(operations, "capture"), of_kind(operations, "refund")
    assert capture["operation_id"] == attempt["id"]
    assert capture["reference"] == capture["payment_reference"] == attempt["provider_reference"]
    assert capture["amount"] == {"amount_minor": 39900, "currency": "RUB"}
    assert capture["fee"] == {"amount_minor": till.fee_minor, "currency": "RUB"}
    assert given_back["operation_id"] == refund["id"]
    assert given_back["payment_reference"] == (attempt["provider_reference"] if till.has_cabinet else "")
    assert given_back["amount"] == {"amount_minor": 4990, "currency": "RUB"}
    assert (given_back["fee"] or {}).get("amount_minor") == till.refund_fee_minor


async def test_the_list_and_the_single_question_tell_the_same(till: Till, since: datetime) -> None:
    """R14: what one run finds in the list another may have to ask about."""
    attempt = await till.sell()
    await till.give_back(attempt)
    for listed in await till.list(since):
        by_id = {"operation_id": listed["operation_id"]}
        for which in (by_id, {"reference": listed["reference"]}):
            settled = await till.stage.settle_operation(listed["kind"], provider=till.name, **which)
            told = settled.json()["operation"]
            same = {name: listed[name] for name in ("kind", "reference", "operation_id", "amount")}
            assert {name: told[name] for name in same} == same
            assert told["payment_reference"] == listed["payment_reference"]
            apart = datetime.fromisoformat(told["happened_at"]) - datetime.fromisoformat(
                listed["happened_at"]
            )
            assert abs(apart) < timedelta(seconds=1)


async def test_an_attempt_that_was_paid_twice_is_ours_once(till: Till, since: datetime) -> None:
    """F-P9: else the second capture would be taken for the first."""
    attempt = await till.sell()
    await till.pay_again(attempt)
    ids = [(one["reference"], one["operation_id"]) for one in await till.list(since)]
    assert len(ids) == len(dict(ids)) == 2
    assert dict(ids)[attempt["provider_reference"]] == attempt["id"]
    assert sorted(own is None for _, own in ids) == [False, True]


async def test_what_lies_outside_the_time_is_not_listed(till: Till, since: datetime) -> None:
    attempt = await till.sell()
    await till.give_back(attempt)
    assert await till.list(since - timedelta(days=30)) == []
    assert await till.list(since + timedelta(hours=1)) == []


async def test_many_pages_are_walked_and_nothing_is_left_out_or_doubled(
    till: Till, since: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name = till.page
    monkeypatch.setattr(module, name, type(getattr(module, name))(2))
    attempts = [await till.sell() for _ in range(5)]
    for attempt in attempts[:3]:
        await till.give_back(attempt)
    operations = await till.list(since)
    captured = [operation["operation_id"] for operation in of_kind(operations, "capture")]
    assert sorted(captured) == sorted(attempt["id"] for attempt in attempts)
    assert len({operation["reference"] for operation in of_kind(operations, "refund")}) == 3
    assert len(operations) == 8


async def test_a_list_that_cannot_be_read_gives_no_part_of_it(till: Till, since: datetime) -> None:
    await till.sell()
    asked = {"since": since.isoformat(), "until": (since + timedelta(days=1)).isoformat()}
    faults = [answer(500), answer(200, till.nonsense), answer(403, b"{}"), refuse_connection]
    for fault in faults:
        till.stage.network.fail(till.list_call, fault)
        response = await till.stage.caller().get(
            f"{PREFIX}/providers/{till.name}/operations",
            params=asked,
            headers=till.stage.auth.service("billing"),
        )
        assert (response.status_code, response.json()["code"]) == (503, "payment.outcome_unknown")


async def test_a_capture_that_we_never_heard_of_is_told_when_it_is_asked_about(
    till: Till, since: datetime
) -> None:
    """F-P9"""
    attempt = await till.stage.begin(order(provider=till.name))
    await till.pay(attempt)
    [listed] = await till.list(since)
    for which in ({"reference": listed["reference"]}, {"operation_id": attempt["id"]}):
        settled = await till.stage.settle_operation("capture", provider=till.name, **which)
        assert settled.json()["operation_id"] == attempt["id"]
    assert await till.stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_a_sum_that_no_rate_gives_back_is_told_to_the_kopeck(stage: Stage, since: datetime) -> None:
    """R14: a wallet's history tells what arrived; what was charged must not be a kopeck off for that."""
    till = yoomoney(stage)
    heard, unheard = [
        await stage.begin(order(provider="yoomoney", total_minor=UNEVEN_MINOR)) for _ in range(2)
    ]
    for attempt in (heard, unheard):
        await till.pay(attempt)
    await stage.read(heard["id"])
    listed = await till.list(since)
    assert [one["amount"]["amount_minor"] for one in listed] == [UNEVEN_MINOR] * 2
    for one in listed:
        settled = await stage.settle_operation("capture", provider="yoomoney", reference=one["reference"])
        assert settled.json()["operation"]["amount"]["amount_minor"] == UNEVEN_MINOR
    assert (await stage.read(unheard["id"]))["captured"]["amount_minor"] == UNEVEN_MINOR


async def test_money_given_back_in_stripes_dashboard_is_recognised(stage: Stage, since: datetime) -> None:
    """F-P9: nobody asked for it, and it names no id of ours; its intent leads to the session."""
    till = stripe(stage)
    attempt = await till.sell()
    session = await stage.ask_stripe("GET", f"checkout/sessions/{attempt['provider_reference']}")
    form = {"payment_intent": session["payment_intent"], "amount": "10000"}
    made = await stage.ask_stripe("POST", "refunds", data=form)
    [before] = of_kind(await till.list(since), "refund")
    assert (before["reference"], before["operation_id"]) == (made["id"], None)
    settled = await stage.settle_operation("refund", provider="stripe", reference=made["id"])
    [after] = of_kind(await till.list(since), "refund")
    assert after["operation_id"] == settled.json()["operation_id"] is not None
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded", "payment.refund.succeeded"]
