"""Buying with a promo code: what it takes off, when it does not hold, and what a purchase without money is."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from tests.billing.acts import balances, events, give_back, pay
from tests.billing.desk import PaymentDesk
from tests.billing.promo import Make, buy, change_code, make_code, make_price, new_code, uses_of
from tests.billing.test_purchase import price_of
from theatre.billing import explanations, payments
from theatre.billing.models import Price
from theatre.billing.settings import BillingSettings
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions
from theatre.kit.money import MAX_MINOR


def rub(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "RUB"}


async def test_a_percentage_comes_off_and_every_line_says_its_share(
    make_caller: Make, sessions: Sessions, clock: MovableClock
) -> None:
    """M14: Σ lines − discounts = total, on each line and on the whole."""
    first, second = [await make_price(sessions, minor, clock=clock) for minor in (9_999, 3)]
    made = await make_code(make_caller, percent=33)
    payment = (await buy(make_caller(), made["code"], first.id, second.id)).json()
    assert payment["discount"] == rub("33.01")
    assert payment["total"] == rub("67.01")
    assert [item["discount"] for item in payment["items"]] == [rub("33.01"), rub("0.00")]
    assert payment["promo_code"] == made["code"]


async def test_an_amount_comes_off_the_total_once_whatever_the_quantity(
    make_caller: Make, sessions: Sessions, clock: MovableClock
) -> None:
    """M8: 100.00 off two and off four is 100.00 off."""
    price = await make_price(sessions, 29_900, clock=clock)
    made = await make_code(make_caller, amount="100.00")
    for quantity, total in ((1, "199.00"), (2, "498.00"), (4, "1096.00")):
        payment = (await buy(make_caller(), made["code"], price.id, quantity=quantity)).json()
        assert (payment["discount"], payment["total"]) == (rub("100.00"), rub(total))


async def test_only_the_products_of_the_code_are_made_cheaper(
    make_caller: Make, sessions: Sessions, clock: MovableClock
) -> None:
    dear, cheap = [await make_price(sessions, minor, clock=clock) for minor in (50_000, 10_000)]
    made = await make_code(make_caller, amount="300.00", product_ids=[str(cheap.product_id)])
    payment = (await buy(make_caller(), made["code"], dear.id, cheap.id)).json()
    assert [item["discount"] for item in payment["items"]] == [rub("0.00"), rub("100.00")]
    assert payment["total"] == rub("500.00")
    refused = await buy(make_caller(), made["code"], dear.id)
    assert (refused.status_code, refused.json()["code"]) == (409, "billing.promo_code_not_applicable")


async def test_a_code_in_another_currency_takes_nothing_off(
    make_caller: Make, sessions: Sessions, clock: MovableClock
) -> None:
    price = await make_price(sessions, 500, currency="JPY", clock=clock)
    made = await make_code(make_caller, amount="100.00")
    refused = await buy(make_caller(), made["code"], price.id)
    assert (refused.status_code, refused.json()["code"]) == (409, "billing.promo_code_not_applicable")
    assert await uses_of(sessions, made) == (0, 0, 0)


async def test_a_code_that_takes_less_than_half_a_kopeck_is_not_used_up_for_nothing(
    make_caller: Make, sessions: Sessions, clock: MovableClock
) -> None:
    """M3: half a kopeck is a kopeck, less is nothing."""
    price = await make_price(sessions, 1, clock=clock)
    less, half = [await make_code(make_caller, percent=percent) for percent in (49, 50)]
    refused = await buy(make_caller(), less["code"], price.id)
    assert refused.json()["code"] == "billing.promo_code_not_applicable"
    payment = (await buy(make_caller(), half["code"], price.id)).json()
    assert (payment["status"], payment["discount"]) == ("paid", rub("0.01"))


async def test_the_largest_sum_can_be_discounted_and_a_larger_one_is_still_refused(
    make_caller: Make, sessions: Sessions, clock: MovableClock
) -> None:
    """M13: what is too large stays so, however much comes off."""
    price = await make_price(sessions, MAX_MINOR, clock=clock)
    made = await make_code(make_caller, percent=99)
    payment = (await buy(make_caller(), made["code"], price.id)).json()
    assert payment["total"] == rub("900719925474.10")
    refused = await buy(make_caller(), made["code"], price.id, quantity=2)
    assert (refused.status_code, refused.json()["code"]) == (422, "billing.total_too_large")
    assert await uses_of(sessions, made) == (1, 1, 1)


@pytest.mark.parametrize("written", ["  {} ", "\t{}\n", "{}"])
async def test_case_and_space_around_a_code_do_not_matter(make_caller: Make, written: str) -> None:
    caller = make_caller()
    made = await make_code(make_caller)
    answer = await buy(caller, written.format(made["code"].lower()), await price_of(caller, "film"))
    assert (answer.status_code, answer.json()["promo_code"]) == (201, made["code"])


@pytest.mark.parametrize(
    "code", ["", " ", "A B", "\x00", "A\x00", "🎬", "ЛЕТО", "A" * 65, "A\n", "A/../B", "%", "'; --", "ß", 7, True, []]
)  # fmt: skip
async def test_what_is_no_code_is_refused_before_anything(make_caller: Make, code: object) -> None:
    caller = make_caller()
    answer = await caller.post(
        "/payments", {"items": [{"price_id": await price_of(caller, "film")}], "promo_code": code}
    )
    if code == "A\n":
        assert answer.json()["code"] == "billing.promo_code_unknown"
    else:
        assert answer.status_code == 422, answer.text
    assert (await caller.get("/payments")).json()["items"] == []


@pytest.mark.parametrize("code", ["%00", "%F0%9F%8E%AC", "A" * 65, "A%20B", "..", "%2e%2e", "A%2FB", "%FF"])
async def test_what_is_no_code_in_an_address_is_refused(make_caller: Make, code: str) -> None:
    caller = make_caller()
    price_id = await price_of(caller, "film")
    answer = await caller.get(f"/promo_codes/{code}/preview", price_id=price_id)
    assert answer.status_code in {404, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_each_refusal_has_its_word_and_keeps_no_payment(make_caller: Make, clock: MovableClock) -> None:
    now = clock.now()
    hour = timedelta(hours=1)
    used_up = await make_code(make_caller, total_cap=1)
    caller = make_caller()
    price_id = await price_of(caller, "film")
    await buy(make_caller(), used_up["code"], price_id)
    off = await make_code(make_caller, is_active=False)
    early = await make_code(make_caller, starts_at=(now + hour).isoformat())
    late = await make_code(
        make_caller, starts_at=(now - 2 * hour).isoformat(), ends_at=(now - hour).isoformat()
    )
    for code, status, word in (
        (new_code(), 404, "billing.promo_code_unknown"),
        (off["code"], 404, "billing.promo_code_unknown"),
        (early["code"], 409, "billing.promo_code_not_started"),
        (late["code"], 409, "billing.promo_code_expired"),
        (used_up["code"], 409, "billing.promo_code_used_up"),
    ):
        bought = await buy(caller, code, price_id)
        shown = await caller.get(f"/promo_codes/{code}/preview", price_id=price_id)
        assert (bought.status_code, bought.json()["code"]) == (status, word)
        assert (shown.status_code, shown.json()["code"]) == (status, word)
    assert (await caller.get("/payments")).json()["items"] == []


async def test_a_code_holds_from_its_start_up_to_its_end(make_caller: Make, clock: MovableClock) -> None:
    minute = timedelta(minutes=1)
    start = clock.now() + minute
    made = await make_code(make_caller, starts_at=start.isoformat(), ends_at=(start + minute).isoformat())
    price_id = await price_of(make_caller(), "film")
    clock.advance(minute)
    assert (await buy(make_caller(), made["code"], price_id)).status_code == 201
    clock.advance(minute)
    assert (await buy(make_caller(), made["code"], price_id)).json()["code"] == "billing.promo_code_expired"


async def test_the_preview_is_the_charge(make_caller: Make) -> None:
    caller = make_caller()
    price_id = await price_of(caller, "plan")
    made = await make_code(make_caller, percent=17)
    shown = (await caller.get(f"/promo_codes/{made['code'].lower()}/preview", price_id=price_id)).json()
    payment = (await buy(caller, made["code"], price_id)).json()
    assert shown == {name: payment[name] for name in ("promo_code", "total", "discount", "items")}


async def test_the_preview_takes_no_use_and_knows_the_callers_own_cap(
    make_caller: Make, sessions: Sessions
) -> None:
    caller = make_caller()
    price_id = await price_of(caller, "film")
    made = await make_code(make_caller, per_user_cap=1)
    path = f"/promo_codes/{made['code']}/preview"
    assert [(await caller.get(path, price_id=price_id)).status_code for _ in range(3)] == [200] * 3
    assert await uses_of(sessions, made) == (0, 0, 0)
    await buy(caller, made["code"], price_id)
    assert (await caller.get(path, price_id=price_id)).json()["code"] == "billing.promo_code_used_up"
    assert (await make_caller().get(path, price_id=price_id)).status_code == 200


async def test_a_code_changed_after_the_preview_refuses_rather_than_charges_more(make_caller: Make) -> None:
    caller = make_caller()
    price_id = await price_of(caller, "film")
    made = await make_code(make_caller)
    assert (await caller.get(f"/promo_codes/{made['code']}/preview", price_id=price_id)).status_code == 200
    assert (await change_code(make_caller, made, is_active=False)).status_code == 200
    assert (await buy(caller, made["code"], price_id)).json()["code"] == "billing.promo_code_unknown"
    assert (await caller.get("/payments")).json()["items"] == []


async def test_a_price_withdrawn_is_not_sold_with_a_code_either(
    make_caller: Make, sessions: Sessions, clock: MovableClock
) -> None:
    price = await make_price(sessions, 100, clock=clock)
    made = await make_code(make_caller)
    async with sessions.begin() as session:
        await session.execute(update(Price).where(Price.id == price.id).values(is_active=False))
    caller = make_caller()
    shown = await caller.get(f"/promo_codes/{made['code']}/preview", price_id=price.id)
    bought = await buy(caller, made["code"], price.id)
    assert shown.json()["code"] == bought.json()["code"] == "billing.price_inactive"
    unknown = await caller.get(f"/promo_codes/{made['code']}/preview", price_id=uuid4())
    assert (unknown.status_code, unknown.json()["code"]) == (404, "billing.price_unknown")
    assert await uses_of(sessions, made) == (0, 0, 0)


async def test_the_preview_is_for_users(app: FastAPI, make_caller: Make) -> None:
    caller = make_caller()
    caller.http.headers.pop("Authorization")
    assert (await caller.get("/promo_codes/X/preview", price_id=uuid4())).status_code == 401


async def test_a_code_that_takes_everything_pays_without_a_provider(
    make_caller: Make, sessions: Sessions, desk: PaymentDesk
) -> None:
    """M9: paid at once, rights granted, told, balanced; nobody outside is asked."""
    caller = make_caller()
    made = await make_code(make_caller, percent=100)
    price_id = await price_of(caller, "plan")
    payment = (await buy(caller, made["code"], price_id)).json()
    assert (payment["status"], payment["total"], payment["discount"]) == ("paid", rub("0.00"), rub("399.00"))
    assert (payment["provider"], payment["failure"]) == (None, None)
    assert payment["paid_at"]
    assert (await caller.get("/entitlements/check", film_id=uuid4())).json()["allowed"]
    (plan,) = (await caller.get("/subscriptions")).json()["items"]
    assert plan["status"] == "active"
    assert desk.asked == []
    async with sessions() as session:
        stored = await payments.get(session, UUID(payment["id"]))
        assert "billing.payment.paid" in await events(session, stored.id)
        posted = await balances(session, stored)
        steps = await explanations.explain(session, stored.id)
    assert [step.name for step in steps if not step.agrees] == []
    assert posted.pop("promo") == 39_900
    assert sum(posted.values()) == -39_900


async def test_what_was_free_cannot_be_paid_canceled_or_given_back(make_caller: Make) -> None:
    caller, staff = make_caller(), make_caller("billing.refund")
    made = await make_code(make_caller, amount="99999.00")
    payment = (await buy(caller, made["code"], await price_of(caller, "film"))).json()
    path = f"/payments/{payment['id']}"
    assert (await caller.post(f"{path}/checkout")).json()["code"] == "billing.payment_not_payable"
    assert (await caller.post(f"{path}/cancel")).json()["code"] == "billing.payment_not_cancelable"
    for who, door in ((caller, path), (staff, f"/admin{path}")):
        for amount in ({}, {"amount": rub("0.01")}):
            refused = await who.post(f"{door}/refunds", {"reason": "x", **amount})
            assert (refused.status_code, refused.json()["code"]) == (409, "billing.payment_not_refundable")
    assert (await caller.get(path)).json()["status"] == "paid"


async def test_what_a_code_left_is_paid_and_given_back_to_the_kopeck(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """M14: what is captured and given back is the total after the discount; the books are even after both."""
    first, second = [await make_price(sessions, minor, clock=clock) for minor in (10_001, 4_999)]
    made = await make_code(make_caller, percent=33, per_user_cap=1)
    caller = make_caller()
    bought = (await buy(caller, made["code"], first.id, second.id)).json()
    async with sessions.begin() as session:
        payment = await payments.get_locked(session, UUID(bought["id"]))
        await pay(session, settings, payment, now=clock.now())
        for amount_minor in (1, 3_333, None):
            await give_back(session, settings, payment, amount_minor=amount_minor, now=clock.now())
    async with sessions() as session:
        assert (await payments.get(session, payment.id)).status == "refunded"
        assert sum((await balances(session, payment)).values()) == 0
    assert await uses_of(sessions, made) == (1, 1, 1)
    again = await buy(caller, made["code"], first.id)
    assert again.json()["code"] == "billing.promo_code_used_up"


@pytest.mark.parametrize("amounts", [(None,), (1, None), (5_000, 1, None)])
async def test_a_line_that_its_code_took_whole_is_taken_back_with_the_last_of_the_others(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    clock: MovableClock,
    amounts: tuple[int | None, ...],
) -> None:
    """M14: once all is given back nothing is left of the sale, earned, deferred or discounted."""
    caller = make_caller()
    film = await make_price(sessions, 10_000, clock=clock)
    plan_id = await price_of(caller, "plan")
    (plan,) = [p for p in (await caller.get("/products", kind="plan")).json()["items"] if is_of(p, plan_id)]
    made = await make_code(make_caller, percent=100, product_ids=[plan["id"]])
    bought = (await buy(caller, made["code"], plan_id, film.id)).json()
    assert bought["total"] == rub("100.00")
    async with sessions.begin() as session:
        payment = await payments.get_locked(session, UUID(bought["id"]))
        await pay(session, settings, payment, now=clock.now())
        for amount_minor in amounts:
            await give_back(session, settings, payment, amount_minor=amount_minor, now=clock.now())
    async with sessions() as session:
        assert await balances(session, payment) == {}
        assert all(step.agrees for step in await explanations.explain(session, payment.id))
    assert not (await caller.get("/entitlements/check", film_id=uuid4())).json()["allowed"]


def is_of(product: dict[str, Any], price_id: str) -> bool:
    return any(price["id"] == price_id for price in product["prices"])


async def test_a_purchase_without_a_code_shows_no_discount(make_caller: Make) -> None:
    caller = make_caller()
    payment = (await buy(caller, None, await price_of(caller, "film"))).json()
    assert (payment["promo_code"], payment["discount"]) == (None, rub("0.00"))
    assert [item["discount"] for item in payment["items"]] == [rub("0.00")]


async def test_guessing_codes_is_stopped_and_right_ones_are_then_not_tried_either(
    make_caller: Make, settings: BillingSettings
) -> None:
    """S-B14: 429 after twenty unknown codes, by either door; a right guess looks like a wrong one then."""
    caller = make_caller()
    price_id = await price_of(caller, "film")
    made = await make_code(make_caller)
    for number in range(20):
        if number % 2:
            answer = await buy(caller, new_code(), price_id)
        else:
            answer = await caller.get(f"/promo_codes/{new_code()}/preview", price_id=price_id)
        assert answer.status_code == 404, answer.text
    for code in (new_code(), made["code"]):
        shown = await caller.get(f"/promo_codes/{code}/preview", price_id=price_id)
        bought = await buy(caller, code, price_id)
        assert shown.status_code == bought.status_code == 429
        assert int(bought.headers["Retry-After"]) > 0
    assert (await buy(caller, None, price_id)).status_code == 201
    assert (await buy(make_caller(), made["code"], price_id)).status_code == 201
