"""What staff search payments by, and the filters of their other lists."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import httpx
import pytest

from tests.billing.acts import buy, give_back, pay
from tests.billing.conftest import Caller
from tests.billing.desk import PaymentDesk
from tests.billing.promo import make_code
from tests.factories.auth_door import AuthDoor
from theatre.billing.schemas.receipts import number_of
from theatre.billing.settings import BillingSettings
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions

Make = Callable[..., Caller]
FINANCE = ("billing.read", "billing.refund", "billing.manage")
USER = UUID(int=7)


async def test_a_payment_is_found_by_what_else_staff_are_told(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, auth: AuthDoor
) -> None:
    """Its refund, the number of its receipt, its promo code, its buyer's login and address, in any letter case."""
    staff, buyer = make_caller("billing.read"), auth.add_contact(email="vera@house.example", login="vera7")
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film", user_id=buyer.user_id)
        await pay(session, settings, payment)
        refund = await give_back(session, settings, payment, amount_minor=100)
        payment.promo_code = "SPRING"
        await buy(session, settings, "film")
    await make_code(make_caller, code="SPRING")
    number = number_of(payment.id)
    words = (refund.id, number, number.lower().replace("-", ""), "spring", "vera7", "VERA@house.example")
    for word in (*words, f"  {buyer.user_id} "):
        found = (await staff.get("/admin/payments", q=word)).json()["items"]
        assert [line["id"] for line in found] == [str(payment.id)], word
    for word in ("vera", "SPRIN", "%", "house.example", number[:-1]):
        assert (await staff.get("/admin/payments", q=word)).json()["items"] == [], word


@pytest.mark.parametrize("reference", ["pi_3Nf0of", "2d9e3c7f-000f-5000-9000-1b2c3d4e5f60"])
async def test_the_reference_of_what_brought_no_money_is_found_by_asking_payment_service(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, reference: str
) -> None:
    staff = make_caller("billing.read")
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
    desk.answer = lambda _: httpx.Response(200, json={"payment_ids": [str(payment.id)]})
    found = (await staff.get("/admin/payments", q=reference)).json()["items"]
    assert [line["id"] for line in found] == [str(payment.id)]
    desk.answer = lambda _: httpx.Response(503, json={"code": "x"})
    assert (await staff.get("/admin/payments", q=reference)).json()["items"] == []
    assert (await staff.get("/admin/payments", q=payment.id)).json()["items"]


async def test_without_auth_only_an_address_cannot_be_searched_for(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, auth: AuthDoor
) -> None:
    staff = make_caller("billing.read")
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
        payment.promo_code = "SPRING"
    await make_code(make_caller, code="SPRING")
    await staff.get("/admin/payments")
    auth.is_away = True
    try:
        found = (await staff.get("/admin/payments", q="SPRING")).json()["items"]
        refused = await staff.get("/admin/payments", q="vera@house.example")
    finally:
        auth.is_away = False
    assert [line["id"] for line in found] == [str(payment.id)]
    assert (refused.status_code, refused.json()["code"]) == (503, "billing.customers_unknown")


async def test_names_that_were_searched_for_are_not_kept_in_the_audit(make_caller: Make) -> None:
    staff = make_caller(*FINANCE)
    for word in ("vera@house.example", str(USER)):
        await staff.get_csv("/admin/payments", q=word)
    records = (await staff.get("/admin/audit", actor_id=staff.user_id)).json()["items"]
    assert [record["after"] for record in records] == [{"q": str(USER)}, {"q": "…"}]


async def test_payments_are_found_by_amount_and_by_what_was_given_back(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    user_id, staff = uuid4(), make_caller("billing.read")
    async with sessions.begin() as session:
        film = await buy(session, settings, "film", user_id=user_id)
        two = await buy(session, settings, "film", user_id=user_id, quantity=2)
        await pay(session, settings, two)
        await give_back(session, settings, two, amount_minor=1)

    async def found(**wanted: object) -> set[UUID]:
        answer = await staff.get("/admin/payments", user_id=user_id, **wanted)
        assert answer.status_code == 200, answer.text
        return {UUID(line["id"]) for line in answer.json()["items"]}

    price = f"{Decimal(film.total_minor) / 100:.2f}"
    above = f"{Decimal(film.total_minor + 1) / 100:.2f}"
    assert await found(currency="RUB") == {film.id, two.id}
    assert await found(currency="USD") == set()
    assert await found(currency="RUB", amount_from=price) == {film.id, two.id}
    assert await found(currency="RUB", amount_from=above) == {two.id}
    assert await found(currency="RUB", amount_to=price) == {film.id}
    assert await found(currency="RUB", amount_from=above, amount_to=price) == set()
    assert await found(has_refund=True) == {two.id}
    assert await found(has_refund=False) == {film.id}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"amount_from": "1.00"}, "billing.amount_without_currency"),
        ({"amount_from": "1", "currency": "RUB"}, "billing.amount_malformed"),
        ({"amount_to": "-1.00", "currency": "RUB"}, "billing.amount_malformed"),
        ({"amount_to": "1e3", "currency": "RUB"}, "billing.amount_malformed"),
        ({"amount_to": "99999999999999999.00", "currency": "RUB"}, "billing.amount_malformed"),
        ({"amount_to": "1.00", "currency": "XTS"}, "billing.amount_malformed"),
        ({"currency": "rub"}, "kit.validation_failed"),
        ({"q": "a\0b"}, "kit.validation_failed"),
        ({"q": " "}, "kit.validation_failed"),
        ({"has_refund": "perhaps"}, "kit.validation_failed"),
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(
    make_caller: Make, query: dict[str, str], code: str
) -> None:
    answer = await make_caller("billing.read").get("/admin/payments", **query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_plans_that_end_soon_come_first(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    now, staff, ends = clock.now(), make_caller("billing.read"), []
    async with sessions.begin() as session:
        for ago in (3, 1, 2):
            plan = await buy(session, settings, "plan", now=now - timedelta(days=ago))
            await pay(session, settings, plan, now=now - timedelta(days=ago))
        over = await buy(session, settings, "plan", now=now - timedelta(days=40))
        await pay(session, settings, over, now=now - timedelta(days=40))
        product_id = over.items[0].product_id
    before = (now + timedelta(days=60)).isoformat()
    cursor: dict[str, object] = {}
    while True:
        page = (await staff.get("/admin/subscriptions", ending_before=before, limit=1, **cursor)).json()
        ends += [line["current_period"]["end"] for line in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert ends == sorted(ends)
    assert len(ends) == 4
    soon = (now + timedelta(days=1)).isoformat()
    [first] = (await staff.get("/admin/subscriptions", ending_before=soon)).json()["items"]
    assert first["current_period"]["end"] == ends[0]
    of_product = (await staff.get("/admin/subscriptions", product_id=product_id)).json()["items"]
    assert len(of_product) == 4
    mixed = await staff.get("/admin/subscriptions", **cursor)
    assert (mixed.status_code, mixed.json()["code"]) == (400, "kit.bad_cursor")


async def test_catalogue_codes_and_acts_are_cut_by_their_filters(
    make_caller: Make, sessions: Sessions, clock: MovableClock
) -> None:
    staff = make_caller(*FINANCE)
    await make_code(make_caller, code="SPRING")
    await make_code(make_caller, code="WINTER", is_active=False)

    async def found(path: str, field: str, **wanted: object) -> set[object]:
        answer = await staff.get(f"/admin{path}", **wanted)
        assert answer.status_code == 200, answer.text
        return {line[field] for line in answer.json()["items"]}

    assert await found("/promo_codes", "code", is_active=False) == {"WINTER"}
    assert await found("/promo_codes", "code", code="spring") == {"SPRING"}
    assert await found("/products", "kind", kind="plan") == {"plan"}
    assert await found("/products", "id", is_active=False, kind="plan") == set()
    assert await found("/prices", "id", currency="USD") == set()
    assert await found("/prices", "is_active", is_active=True, currency="RUB") == {True}
    await staff.get(f"/admin/users/{USER}/summary")
    await staff.get_csv("/admin/payments")
    assert await found("/audit", "action", action="user.read") == {"user.read"}
    tomorrow = (clock.now() + timedelta(days=1)).isoformat()
    assert await found("/audit", "action", **{"from": tomorrow}) == set()
    assert await found("/audit", "action", to=tomorrow) == {
        "promo_code.create",
        "user.read",
        "payments.export",
    }
