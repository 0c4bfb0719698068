"""Billing's doors for staff: who may, and what they see."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.billing.acts import NOW, buy, give_back, open_attempt, pay, success
from tests.billing.conftest import Caller
from tests.billing.test_purchase import create
from theatre.billing import payments, settlements
from theatre.billing.settings import BillingSettings
from theatre.contracts.money import Amount
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions

Make = Callable[..., Caller]


async def paid(caller: Caller, sessions: Sessions, settings: BillingSettings, clock: MovableClock) -> str:
    """Make a paid payment of a caller; gives its id."""
    from uuid import UUID

    made = await create(caller, "film")
    async with sessions.begin() as session:
        payment = await payments.get_locked(session, UUID(str(made["id"])))
        await pay(session, settings, payment, now=clock.now())
    return str(made["id"])


@pytest.mark.parametrize("permissions", [(), ("billing.refund",), ("movies.manage",)])
async def test_reading_needs_the_permission(make_caller: Make, permissions: tuple[str, ...]) -> None:
    """S-B7: ordinary users, and staff of other trades, stay outside."""
    caller = make_caller(*permissions)
    assert (await caller.get("/admin/payments")).status_code == 403
    assert (await caller.get(f"/admin/payments/{uuid4()}")).status_code == 403


@pytest.mark.parametrize("permissions", [(), ("billing.read",)])
async def test_giving_back_needs_the_permission(make_caller: Make, permissions: tuple[str, ...]) -> None:
    answer = await make_caller(*permissions).post(f"/admin/payments/{uuid4()}/refunds", {"reason": "x"})
    assert answer.status_code == 403


async def test_staff_find_a_payment_by_its_filters(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    buyer, staff = make_caller(), make_caller("billing.read")
    payment_id = await paid(buyer, sessions, settings, clock)
    unpaid = str((await create(buyer, "film"))["id"])

    async def found(**wanted: object) -> set[str]:
        answer = await staff.get("/admin/payments", **wanted)
        assert answer.status_code == 200, answer.text
        return {payment["id"] for payment in answer.json()["items"]}

    assert await found(user_id=buyer.user_id) == {payment_id, unpaid}
    assert await found(user_id=buyer.user_id, status="paid") == {payment_id}
    assert await found(user_id=buyer.user_id, provider="yookassa") == {payment_id}
    assert await found(q=payment_id) == {payment_id}
    assert await found(user_id=buyer.user_id, to="2020-01-01T00:00:00Z") == set()
    assert await found(user_id=buyer.user_id, **{"from": "2020-01-01T00:00:00Z"}) == {payment_id, unpaid}


@pytest.mark.parametrize(
    "query", [{"status": "x"}, {"user_id": "x"}, {"from": "2027-02-30"}, {"from": "2027-02-20T00:00:00"}]
)
async def test_a_filter_that_makes_no_sense_is_refused(make_caller: Make, query: dict[str, str]) -> None:
    assert (await make_caller("billing.read").get("/admin/payments", **query)).status_code == 422


async def test_staff_see_history_refunds_and_ledger(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    buyer, staff = make_caller(), make_caller("billing.read", "billing.refund")
    payment_id = await paid(buyer, sessions, settings, clock)
    body = {"reason": "goodwill", "amount": {"amount": "100.00", "currency": "RUB"}}
    refund = await staff.post(f"/admin/payments/{payment_id}/refunds", body)
    assert (refund.status_code, refund.json()["status"]) == (201, "pending")
    seen = (await staff.get(f"/admin/payments/{payment_id}")).json()
    assert seen["user_id"] == str(buyer.user_id)
    assert [(change["from_status"], change["to_status"]) for change in seen["history"]] == [
        ("unpaid", "pending"),
        ("pending", "paid"),
    ]
    assert [line["id"] for line in seen["refunds"]] == [refund.json()["id"]]
    assert [entry["kind"] for entry in seen["ledger"]] == ["capture", "sale", "refund_accepted"]
    for entry in seen["ledger"]:
        assert sum(posting["amount_minor"] for posting in entry["postings"]) == 0


async def test_pages_of_a_list_tile_it(make_caller: Make) -> None:
    caller = make_caller()
    made = [(await create(caller, "film"))["id"] for _ in range(5)]
    seen: list[object] = []
    cursor: dict[str, object] = {}
    while True:
        page = (await caller.get("/payments", limit=2, **cursor)).json()
        seen += [payment["id"] for payment in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == made[::-1]


async def test_a_list_never_shows_anothers_payments(make_caller: Make) -> None:
    """P3: not by any list."""
    await create(make_caller(), "film")
    stranger = make_caller()
    for path in ("/payments", "/entitlements", "/subscriptions"):
        assert (await stranger.get(path)).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("end", ["from", "to"])
@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-01-01T00:00:00", "1e300", "x", ""],
)
async def test_a_moment_that_is_none_is_refused(make_caller: Make, end: str, moment: str) -> None:
    answer = await make_caller("billing.read").get("/admin/payments", **{end: moment})
    assert answer.status_code == 422, answer.text


async def test_an_amount_below_zero_is_explained_too(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    """R15: of a payment that was given back whole the provider has kept its fee."""
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
        event = success(payment, await open_attempt(session, payment))
        event = event.model_copy(update={"fee": Amount(amount_minor=1047, currency="RUB")})
        await settlements.settle(session, event, settings=settings, now=NOW)
        await session.flush()
        await give_back(session, settings, payment)
    answer = await make_caller("billing.read").get(f"/admin/payments/{payment.id}/explain")
    assert answer.status_code == 200, answer.text
    [cash] = [step for step in answer.json()["steps"] if step["name"] == "money at yookassa"]
    assert cash["derived"] == cash["stored"] == {"amount": "-10.47", "currency": "RUB"}
