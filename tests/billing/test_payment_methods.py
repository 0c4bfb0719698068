"""Saved ways to pay: kept by wish, masked, chosen, charged, removed for good."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from sqlalchemy import select, text

from tests.billing.acts import NOW, buy, events, open_attempt, pay, success
from tests.billing.conftest import Caller
from tests.billing.desk import PaymentDesk, attempt
from tests.billing.test_purchase import create, price_of
from theatre.billing import attempts, charges, open_attempts, payment_methods, payments, settlements
from theatre.billing.models import Payment, PaymentMethod
from theatre.billing.settings import BillingSettings
from theatre.contracts.payment import AttemptFailed, AttemptSucceeded, Failure, PaymentClient
from theatre.contracts.payment_methods import SavedMethod
from theatre.kit.clock import MovableClock
from theatre.kit.db import Session, Sessions, transaction
from theatre.kit.http import ServiceClient

Make = Callable[..., Caller]
CARD = "5555555555554444"


def card(reference: str | None = None, **changes: Any) -> SavedMethod:
    shown = {
        "reference": reference or uuid4().hex,
        "kind": "bank_card",
        "brand": "MasterCard",
        "last4": "4444",
        "expiry_month": 12,
        "expiry_year": 2030,
    }
    return SavedMethod.model_validate({**shown, **changes})


def success_saving(payment: Payment, attempt_id: UUID, method: SavedMethod | None = None) -> AttemptSucceeded:
    return success(payment, attempt_id).model_copy(update={"method": method or card()})


async def save(
    session: Session, settings: BillingSettings, user_id: UUID, method: SavedMethod | None = None
) -> PaymentMethod:
    """Buy something and let the card be kept."""
    payment = await buy(session, settings, "film", user_id=user_id)
    fact = success_saving(payment, await open_attempt(session, payment), method)
    await settlements.settle(session, fact, settings=settings, now=NOW)
    await session.flush()
    statement = select(PaymentMethod).where(PaymentMethod.attempt_id == fact.attempt_id)
    return (await session.scalars(statement)).one()


async def kept(session: Session, user_id: UUID) -> list[tuple[str | None, bool]]:
    """List the last digits of a user's methods, newest first, and which is chosen."""
    statement = select(PaymentMethod).where(
        PaymentMethod.user_id == user_id, PaymentMethod.removed_at.is_(None)
    )
    rows = await session.scalars(statement.order_by(PaymentMethod.id.desc()))
    return [(row.last4, row.is_default) for row in rows]


async def test_a_success_keeps_the_method_once(session: Session, settings: BillingSettings) -> None:
    """W2: however often it is told."""
    payment = await buy(session, settings, "film")
    fact = success_saving(payment, await open_attempt(session, payment))
    for _ in range(3):
        await settlements.settle(session, fact, settings=settings, now=NOW)
    assert await kept(session, payment.user_id) == [("4444", True)]


async def test_money_that_bought_nothing_keeps_no_method(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    first, second = await open_attempt(session, payment), uuid4()
    await settlements.settle(session, success(payment, first), settings=settings, now=NOW)
    await settlements.settle(session, success_saving(payment, second), settings=settings, now=NOW)
    assert await kept(session, payment.user_id) == []


async def test_the_newest_is_chosen_and_the_same_card_takes_the_place_of_its_old_self(
    session: Session, settings: BillingSettings
) -> None:
    user_id = uuid4()
    old = await save(session, settings, user_id)
    await save(session, settings, user_id, card(last4="0001"))
    assert await kept(session, user_id) == [("0001", True), ("4444", False)]
    await save(session, settings, user_id)
    assert await kept(session, user_id) == [("4444", True), ("0001", False)]
    await session.refresh(old)
    assert old.removed_at is not None


async def test_a_wallet_is_not_taken_for_another(session: Session, settings: BillingSettings) -> None:
    user_id = uuid4()
    for _ in range(2):
        await save(session, settings, user_id, SavedMethod(reference=uuid4().hex, kind="yoo_money"))
    assert len(await kept(session, user_id)) == 2


async def test_a_removed_method_does_not_come_back_by_a_later_fact(
    session: Session, settings: BillingSettings
) -> None:
    user_id = uuid4()
    method = await save(session, settings, user_id, card("one"))
    await payment_methods.remove(session, user_id, method.id, now=NOW)
    payment = await buy(session, settings, "film", user_id=user_id)
    fact = success_saving(payment, await open_attempt(session, payment), card("one"))
    await settlements.settle(session, fact, settings=settings, now=NOW)
    assert await kept(session, user_id) == []


async def test_the_table_holds_no_whole_number(session: Session, settings: BillingSettings) -> None:
    """P2: whatever a program would write."""
    method = await save(session, settings, uuid4())
    with pytest.raises(Exception, match="ck_payment_method_last4_is_short"):
        await session.execute(
            text("UPDATE billing.payment_method SET last4 = :number WHERE id = :id"),
            {"number": CARD, "id": method.id},
        )


async def test_when_the_chosen_one_is_removed_the_newest_left_is_chosen(
    session: Session, settings: BillingSettings
) -> None:
    user_id = uuid4()
    await save(session, settings, user_id, card(last4="0001"))
    await save(session, settings, user_id, card(last4="0002"))
    third = await save(session, settings, user_id, card(last4="0003"))
    await payment_methods.remove(session, user_id, third.id, now=NOW)
    assert await kept(session, user_id) == [("0002", True), ("0001", False)]
    assert "billing.payment_method.chosen" in await events(session, third.id)


async def test_of_several_saved_at_once_one_is_chosen(sessions: Sessions, settings: BillingSettings) -> None:
    user_id = uuid4()

    async def keep(number: int) -> None:
        async with sessions.begin() as session:
            await save(session, settings, user_id, card(last4=f"000{number}"))

    await asyncio.gather(*(keep(number) for number in range(5)))
    async with sessions() as session:
        methods = await kept(session, user_id)
    assert (len(methods), [chosen for _, chosen in methods].count(True)) == (5, 1)


# the doors


async def make_method(
    sessions: Sessions, settings: BillingSettings, user_id: UUID, **shown: Any
) -> PaymentMethod:
    async with sessions.begin() as session:
        return await save(session, settings, user_id, card(**shown))


async def test_methods_are_listed_masked(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    caller = make_caller()
    method = await make_method(sessions, settings, caller.user_id)
    answer = await caller.get("/payment_methods")
    expected = {
        "id": str(method.id),
        "provider": "yookassa",
        "kind": "bank_card",
        "title": "MasterCard *4444",
        "brand": "MasterCard",
        "last4": "4444",
        "expiry": {"month": 12, "year": 2030},
        "is_default": True,
        "is_usable": True,
        "created_at": "2027-01-31T12:00:00Z",
    }
    assert answer.json() == {"items": [expected], "next_cursor": None}
    assert (await caller.get(f"/payment_methods/{method.id}")).json() == expected
    assert method.reference not in answer.text


async def test_lists_have_pages(make_caller: Make, sessions: Sessions, settings: BillingSettings) -> None:
    caller = make_caller()
    for number in range(3):
        await make_method(sessions, settings, caller.user_id, last4=f"000{number}")
    first = (await caller.get("/payment_methods", limit=2)).json()
    rest = (await caller.get("/payment_methods", limit=2, cursor=first["next_cursor"])).json()
    assert [item["last4"] for item in first["items"] + rest["items"]] == ["0002", "0001", "0000"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(("verb", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/default")])
async def test_another_users_method_is_not_there(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, verb: str, path: str
) -> None:
    """P3"""
    owner, stranger = make_caller(), make_caller()
    method = await make_method(sessions, settings, owner.user_id)
    url = "/billing/api/v1/payment_methods"
    for method_id in (method.id, uuid4()):
        answer = await stranger.http.request(verb, f"{url}/{method_id}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "billing.payment_method_unknown")
    assert len((await owner.get("/payment_methods")).json()["items"]) == 1


async def test_nobody_without_a_name_sees_methods(make_caller: Make) -> None:
    caller = make_caller()
    caller.http.headers.pop("Authorization")
    assert (await caller.get("/payment_methods")).status_code == 401


async def test_a_removed_method_is_gone_for_every_door(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    caller = make_caller()
    method = await make_method(sessions, settings, caller.user_id)
    url = f"/billing/api/v1/payment_methods/{method.id}"
    assert (await caller.http.delete(url)).status_code == 204
    assert (await caller.http.delete(url)).status_code == 404
    assert (await caller.get(f"/payment_methods/{method.id}")).status_code == 404
    assert (await caller.post(f"/payment_methods/{method.id}/default")).status_code == 404
    assert (await caller.get("/payment_methods")).json()["items"] == []
    refused = await pay_by(caller, method.id)
    assert (refused.status_code, refused.json()["code"]) == (404, "billing.payment_method_unknown")


async def test_the_chosen_method_changes(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    caller = make_caller()
    old = await make_method(sessions, settings, caller.user_id, last4="0001")
    await make_method(sessions, settings, caller.user_id, last4="0002")
    for _ in range(2):
        answer = await caller.post(f"/payment_methods/{old.id}/default")
        assert (answer.status_code, answer.json()["is_default"]) == (200, True)
    items = (await caller.get("/payment_methods")).json()["items"]
    assert {item["last4"]: item["is_default"] for item in items} == {"0001": True, "0002": False}


# charges


async def pay_by(caller: Caller, method_id: UUID, **more: Any) -> httpx.Response:
    """Buy a film, charged to a saved method."""
    items = [{"price_id": await price_of(caller, "film"), "quantity": 1}]
    body = {"items": items, "payment_method_id": str(method_id)}
    return await caller.post("/payments", body, **more)


async def ask_about(
    sessions: Sessions, desk: PaymentDesk, settings: BillingSettings, clock: MovableClock, payment_id: str
) -> None:
    """Do what the worker does when it hears that a charge is wanted."""
    client = PaymentClient(ServiceClient("http://payment", transport=desk.transport))
    await open_attempts.ask_about(sessions, client, UUID(payment_id), settings=settings, now=clock.now())


def outcome(status: str, **changes: Any) -> Callable[[httpx.Request], httpx.Response]:
    """Answer as payment-service to a charge that it hears of for the first time, and at once has an outcome of."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(404, json={"code": "payment.attempt_not_found"})
        body = orjson.loads(request.content)
        ended: dict[str, Any] = {"confirmation_url": None, "short_url": None, **changes}
        if status == "succeeded":
            ended |= {"captured": body["total"], "captured_at": "2027-01-31T12:00:00Z"}
        return httpx.Response(200, json=attempt(body, status=status, **ended))

    return answer


async def test_a_purchase_by_a_saved_method_is_charged_without_a_page(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    desk: PaymentDesk,
    clock: MovableClock,
) -> None:
    caller = make_caller()
    method = await make_method(sessions, settings, caller.user_id)
    answer = await pay_by(caller, method.id, key="once")
    again = await pay_by(caller, method.id, key="once")
    assert (answer.status_code, answer.content) == (201, again.content)
    payment = answer.json()
    assert (payment["status"], payment["provider"]) == ("pending", "yookassa")
    assert desk.asked == []
    async with sessions() as session:
        assert await events(session, UUID(payment["id"])) == ["billing.charge.requested"]
    desk.answer = outcome("succeeded")
    for _ in range(2):
        await ask_about(sessions, desk, settings, clock, payment["id"])
    charged = [body for verb, path, body in desk.asked if path.endswith("/charges")]
    assert len(charged) == 1
    assert charged[0]["method_reference"] == method.reference
    assert charged[0]["total"]["amount_minor"] == int(payment["total"]["amount"].replace(".", ""))
    assert (await caller.get(f"/payments/{payment['id']}")).json()["status"] == "paid"


async def test_a_charge_has_no_page_to_go_to(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    caller = make_caller()
    method = await make_method(sessions, settings, caller.user_id)
    payment = (await pay_by(caller, method.id)).json()
    answer = await caller.post(f"/payments/{payment['id']}/checkout")
    assert (answer.status_code, answer.json()["code"]) == (409, "billing.attempt_settling")


@pytest.mark.parametrize(
    "answer", [lambda _: httpx.Response(503, json={}), lambda _: httpx.Response(409, json={"code": "x"})]
)
async def test_no_answer_to_a_charge_leaves_it_pending_and_it_is_asked_about_again(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    desk: PaymentDesk,
    clock: MovableClock,
    answer: Callable[[httpx.Request], httpx.Response],
) -> None:
    """W8: a time-out is not a failure; each time the same charge is asked about."""
    caller = make_caller()
    method = await make_method(sessions, settings, caller.user_id)
    payment = (await pay_by(caller, method.id)).json()
    desk.answer = answer
    await ask_about(sessions, desk, settings, clock, payment["id"])
    assert (await caller.get(f"/payments/{payment['id']}")).json()["status"] == "pending"
    desk.answer = outcome("succeeded")
    clock.advance(payments.ASK_AFTER)
    client = PaymentClient(ServiceClient("http://payment", transport=desk.transport))
    await open_attempts.ask_due(sessions, client, settings=settings, now=clock.now())
    assert (await caller.get(f"/payments/{payment['id']}")).json()["status"] == "paid"
    assert len({body["id"] for _, path, body in desk.asked if path.endswith("/charges")}) == 1


async def test_a_charge_that_payment_service_would_not_store_failed(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    desk: PaymentDesk,
    clock: MovableClock,
) -> None:
    caller = make_caller()
    method = await make_method(sessions, settings, caller.user_id)
    payment = (await pay_by(caller, method.id)).json()
    desk.answer = lambda request: httpx.Response(
        404 if request.method == "GET" else 422, json={"code": "payment.charges_unsupported"}
    )
    await ask_about(sessions, desk, settings, clock, payment["id"])
    found = (await caller.get(f"/payments/{payment['id']}")).json()
    assert (found["status"], found["failure"]["code"]) == ("unpaid", "charge_refused")


async def test_after_a_refused_charge_one_may_pay_at_a_page(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    desk: PaymentDesk,
    clock: MovableClock,
) -> None:
    caller = make_caller()
    method = await make_method(sessions, settings, caller.user_id)
    payment = (await pay_by(caller, method.id)).json()
    desk.answer = outcome("failed", failure={"code": "insufficient_funds", "message": "Too little."})
    await ask_about(sessions, desk, settings, clock, payment["id"])
    found = (await caller.get(f"/payments/{payment['id']}")).json()
    assert (found["status"], found["failure"]["code"]) == ("unpaid", "insufficient_funds")
    desk.answer = desk.usual
    assert (await caller.post(f"/payments/{payment['id']}/checkout")).status_code == 200
    assert [path for _, path, _ in desk.asked][-1].endswith("/attempts")


@pytest.mark.parametrize(
    ("code", "is_usable"),
    [("permission_revoked", False), ("card_expired", False), ("insufficient_funds", True)],
)
async def test_a_method_refused_for_good_is_shown_so_until_its_user_chooses_it_again(
    session: Session, settings: BillingSettings, code: str, is_usable: bool
) -> None:
    user_id = uuid4()
    method = await save(session, settings, user_id)
    payment = await buy(session, settings, "film", user_id=user_id)
    charges.begin(session, payment, method, reason="charge", now=NOW)
    failed = AttemptFailed(
        attempt_id=payment.open_attempt_id,
        payment_id=payment.id,
        failure=Failure(code=code, message="no"),
        is_expired=False,
    )
    await session.flush()
    await attempts.fail(session, failed, now=NOW)
    assert (await payment_methods.find_to_renew(session, user_id) is not None) == is_usable
    await payment_methods.make_default(session, user_id, method.id, now=NOW)
    assert await payment_methods.find_to_renew(session, user_id) is not None


async def test_removing_a_method_takes_back_what_is_being_charged_to_it(
    session: Session, settings: BillingSettings
) -> None:
    user_id = uuid4()
    method = await save(session, settings, user_id)
    payment = await buy(session, settings, "film", user_id=user_id)
    charges.begin(session, payment, method, reason="charge", now=NOW)
    await session.flush()
    await payment_methods.remove(session, user_id, method.id, now=NOW)
    assert await events(session, payment.id) == ["billing.charge.requested", "billing.attempt.abandoned"]


async def test_another_users_method_is_not_charged(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    """P3"""
    method = await make_method(sessions, settings, uuid4())
    caller = make_caller()
    answer = await pay_by(caller, method.id)
    assert (answer.status_code, answer.json()["code"]) == (404, "billing.payment_method_unknown")
    assert (await caller.get("/payments")).json()["items"] == []


async def test_the_wish_to_have_a_method_kept_goes_to_payment_service(
    make_caller: Make, desk: PaymentDesk
) -> None:
    caller = make_caller()
    payment = await create(caller)
    await caller.post(f"/payments/{payment['id']}/checkout", {"save_method": True})
    assert [body["save_method"] for _, _, body in desk.asked] == [True]


@pytest.mark.parametrize(("said", "sent"), [({}, True), ({"save_method": False}, False)])
async def test_the_wish_stands_for_the_next_try_unless_another_is_said(
    make_caller: Make, desk: PaymentDesk, sessions: Sessions, *, said: dict[str, bool], sent: bool
) -> None:
    caller = make_caller()
    payment = await create(caller)
    link = await caller.post(f"/payments/{payment['id']}/checkout", {"save_method": True})
    async with transaction(sessions) as session:
        failed = AttemptFailed(
            attempt_id=UUID(link.json()["attempt_id"]),
            payment_id=UUID(str(payment["id"])),
            failure=Failure(code="insufficient_funds", message="no"),
            is_expired=False,
        )
        await attempts.fail(session, failed, now=datetime.fromisoformat(str(payment["created_at"])))
    again = await caller.post(f"/payments/{payment['id']}/checkout", said)
    assert again.status_code == 200, again.text
    assert [body["save_method"] for _, _, body in desk.asked] == [True, sent]


async def test_paying_without_a_wish_keeps_nothing(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    assert await kept(session, payment.user_id) == []
