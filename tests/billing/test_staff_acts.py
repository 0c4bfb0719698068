"""What staff do: refunds with a second person, the catalogue, and the record of it all that nobody can change."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import select

from tests.billing.acts import buy, success
from tests.billing.conftest import Caller
from tests.billing.desk import PaymentDesk
from tests.billing.test_admin import paid
from tests.databases import fresh_database
from tests.services import Services
from theatre.billing import audit, products, settlements
from theatre.billing.audit import Act, Chain
from theatre.billing.models import Case, Price, Product
from theatre.billing.settings import BillingSettings
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions, open_engine, sessions_of
from theatre.kit.ids import new_id
from theatre.kit.migrations import migrate

Make = Callable[..., Caller]
SUPPORT = ("billing.read", "billing.refund")
FINANCE = (*SUPPORT, "billing.manage")


def rub(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "RUB"}


async def records_of(staff: Caller, **wanted: object) -> list[dict[str, Any]]:
    """Read what the audit has, oldest first."""
    items: list[dict[str, Any]] = (await staff.get("/admin/audit", **wanted)).json()["items"]
    return items[::-1]


@pytest.fixture(scope="session")
def settings(settings: BillingSettings) -> BillingSettings:
    """Staff may give back 100.00 ₽ of a payment alone."""
    return settings.model_copy(update={"refund_limits": {"RUB": 10_000}})


async def test_a_refund_above_the_limit_waits_for_somebody_else(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """P2, S-B8: not for the one who asked, whatever they may else; then it goes its way."""
    support, finance = make_caller(*FINANCE), make_caller(*FINANCE)
    payment_id = await paid(make_caller(), sessions, settings, clock)
    asked = await support.post(
        f"/admin/payments/{payment_id}/refunds", {"reason": "x", "amount": rub("100.01")}
    )
    assert (asked.status_code, asked.json()["status"]) == (201, "requested")
    path = f"/admin/refunds/{asked.json()['id']}"
    own = await support.post(f"{path}/approve")
    assert (own.status_code, own.json()["code"]) == (409, "billing.second_person_needed")
    waiting = (await finance.get("/admin/refunds", status="requested")).json()["items"]
    assert asked.json()["id"] in {refund["id"] for refund in waiting}
    agreed = await finance.post(f"{path}/approve")
    assert (agreed.status_code, agreed.json()["status"]) == (200, "pending")
    assert agreed.json()["decided_by"] == str(finance.user_id)
    again = await finance.post(f"{path}/approve")
    assert (again.status_code, again.json()["code"]) == (409, "billing.refund_not_requested")


async def test_splitting_a_refund_does_not_help(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """S-B8: the limit counts what staff have given back of the payment."""
    payment_id = await paid(make_caller(), sessions, settings, clock)
    states = []
    for amount in ("60.00", "40.00", "0.01"):
        body = {"reason": "x", "amount": rub(amount)}
        answer = await make_caller(*SUPPORT).post(f"/admin/payments/{payment_id}/refunds", body)
        states.append(answer.json()["status"])
    assert states == ["pending", "pending", "requested"]


async def test_a_rejected_refund_frees_what_it_reserved_and_keeps_the_reason(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    support, finance = make_caller(*SUPPORT), make_caller(*FINANCE)
    payment_id = await paid(make_caller(), sessions, settings, clock)
    path = f"/admin/payments/{payment_id}/refunds"
    whole = (await support.post(path, {"reason": "x"})).json()
    assert (await support.post(path, {"reason": "x"})).status_code == 409
    rejected = await finance.post(f"/admin/refunds/{whole['id']}/reject", {"reason": "not ours"})
    assert (rejected.status_code, rejected.json()["status"]) == (200, "rejected")
    assert (await support.post(path, {"reason": "x"})).status_code == 201
    [record] = await records_of(
        finance, subject_kind="refund", subject_id=whole["id"], actor_id=finance.user_id
    )
    assert (record["action"], record["reason"]) == ("refund.reject", "not ours")


async def test_a_twin_of_a_refund_is_given_and_recorded_once(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    staff = make_caller(*FINANCE)
    payment_id = await paid(make_caller(), sessions, settings, clock)
    body, key = {"reason": "x", "amount": rub("1.00")}, str(uuid4())
    path = f"/admin/payments/{payment_id}/refunds"
    answers = await asyncio.gather(*(staff.post(path, body, key=key) for _ in range(5)))
    assert len({answer.content for answer in answers}) == 1
    assert len((await staff.get(path)).json()["items"]) == 1
    assert [record["action"] for record in await records_of(staff, actor_id=staff.user_id)] == [
        "refund.create"
    ]


@pytest.mark.parametrize(
    ("amount", "status"),
    [
        (rub("0.00"), 422),
        (rub("-1.00"), 422),
        (rub("99999.00"), 409),
        ({"amount": "1.00", "currency": "USD"}, 422),
    ],
)
async def test_staff_give_back_no_sum_that_makes_no_sense(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    clock: MovableClock,
    amount: dict[str, str],
    status: int,
) -> None:
    """S-B6: and nothing is recorded that was not done."""
    staff = make_caller(*FINANCE)
    payment_id = await paid(make_caller(), sessions, settings, clock)
    answer = await staff.post(f"/admin/payments/{payment_id}/refunds", {"reason": "x", "amount": amount})
    assert answer.status_code == status
    assert await records_of(staff, actor_id=staff.user_id) == []


async def test_every_look_at_a_customers_page_is_recorded(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock, desk: PaymentDesk
) -> None:
    """P2: who looked at whom, under which request."""
    staff, buyer = make_caller(*FINANCE), make_caller()
    payment_id = await paid(buyer, sessions, settings, clock)
    staff.http.headers["X-Request-Id"] = "look-1"
    await staff.get(f"/admin/payments/{payment_id}")
    await staff.get(f"/admin/payments/{payment_id}/explain")
    await staff.get(f"/admin/users/{buyer.user_id}/summary")
    seen = await records_of(staff, actor_id=staff.user_id)
    assert [(record["action"], record["subject_id"], record["request_id"]) for record in seen] == [
        ("payment.read", payment_id, "look-1"),
        ("payment.explain", payment_id, "look-1"),
        ("user.read", str(buyer.user_id), "look-1"),
    ]
    await staff.get(f"/admin/payments/{uuid4()}")
    assert len(await records_of(staff, actor_id=staff.user_id)) == 3


async def test_staff_make_a_product_and_sell_it_at_a_new_price(make_caller: Make) -> None:
    staff, buyer = make_caller(*FINANCE), make_caller()
    body = {"code": f"film-{uuid4()}", "kind": "film", "names": {"ru": "Фильм", "en": "Film"}}
    product = (await staff.post("/admin/products", body)).json()
    assert (await staff.post("/admin/products", body)).json()["code"] == "billing.product_code_taken"
    price = await staff.post("/admin/prices", {"product_id": product["id"], "amount": rub("10.00")})
    assert price.status_code == 201, price.text
    wish = {"items": [{"price_id": price.json()["id"], "quantity": 1}]}
    assert (await buyer.post("/payments", wish)).json()["total"] == rub("10.00")
    off = await staff.post(f"/admin/prices/{price.json()['id']}/switch_off")
    assert off.json()["is_active"] is False
    assert (await buyer.post("/payments", wish)).json()["code"] == "billing.price_inactive"
    [listed] = (await staff.get("/admin/prices", product_id=product["id"])).json()["items"]
    assert listed["decided_by"] == str(staff.user_id)
    acts = [record["action"] for record in await records_of(staff, actor_id=staff.user_id)]
    assert acts == ["product.create", "price.create", "price.switch_off"]


@pytest.mark.parametrize(
    ("kind", "terms", "code"),
    [
        ("film", {"interval": {"unit": "month", "count": 1}}, "billing.interval_misplaced"),
        ("film", {"trial_days": 3}, "billing.interval_misplaced"),
        ("plan", {}, "billing.interval_misplaced"),
        (
            "plan",
            {"amount": rub("0.00"), "interval": {"unit": "month", "count": 1}},
            "billing.price_not_positive",
        ),
        ("plan", {"interval": {"unit": "week", "count": 1}}, "kit.validation_failed"),
        ("plan", {"is_active": False}, "kit.validation_failed"),
    ],
)
async def test_a_price_that_makes_no_sense_is_refused(
    make_caller: Make, kind: str, terms: dict[str, object], code: str
) -> None:
    staff = make_caller(*FINANCE)
    names = {"ru": "x", "en": "x"}
    product = await staff.post("/admin/products", {"code": f"p-{uuid4()}", "kind": kind, "names": names})
    body = {"product_id": product.json()["id"], "amount": rub("1.00"), **terms}
    answer = await staff.post("/admin/prices", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_the_price_list_leaves_alone_what_staff_decided(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """Each start applies the list: staff's product stays on sale, and what they switched off stays off."""
    staff = make_caller(*FINANCE)
    body = {"code": f"own-{uuid4()}", "kind": "film", "names": {"ru": "x", "en": "x"}}
    product = (await staff.post("/admin/products", body)).json()
    await staff.post("/admin/prices", {"product_id": product["id"], "amount": rub("1.00")})
    listed = products.read_price_list(None)
    changed = listed.model_copy(update={"products": [await _renamed(listed.products[0])]})
    async with sessions() as session:
        await products.apply_price_list(session, changed, now=clock.now())
        [price] = (await session.scalars(_prices_of(changed.products[0].code))).all()
        price.is_active, price.decided_by = False, staff.user_id
        await products.apply_price_list(session, changed, now=clock.now())
        assert [found.is_active for found in await session.scalars(_prices_of(changed.products[0].code))] == [
            False
        ]
        own = await session.get_one(Product, UUID(product["id"]))
        await session.refresh(own)
        assert own.is_active
        await session.rollback()


async def _renamed(product: products.ListedProduct) -> products.ListedProduct:
    return product.model_copy(update={"code": f"listed-{uuid4()}", "prices": product.prices[:1]})


def _prices_of(code: str) -> Any:
    return select(Price).join(Product).where(Product.code == code)


@pytest.fixture
async def ledger_of_acts(services: Services) -> AsyncIterator[tuple[Sessions, str]]:
    """An audit of this test's own, with five records in it; and the address of the database, for its owner."""
    async with fresh_database(services.postgres_url) as url:
        await migrate("billing", url)
        engine = open_engine(url, role="billing", pool_size=5)
        sessions = sessions_of(engine)
        for number in range(5):
            async with sessions.begin() as session:
                await audit.record(session, act(number), now=MovableClock().now())
        yield sessions, url
        await engine.dispose()


def act(number: int) -> Act:
    """Make an act with values of all kinds."""
    after = {
        "n": number,
        "amount_minor": 2**53,
        "text": 'Ёж "=1"',
        "flag": None,
        "list": [1, {"b": 1, "a": 2}],
    }
    return Act(uuid4(), "payment.read", "payment", str(uuid4()), "r", reason="ё", after=after)


async def test_an_untouched_chain_holds(ledger_of_acts: tuple[Sessions, str]) -> None:
    """S-B8, capability 21"""
    async with ledger_of_acts[0]() as session:
        assert await audit.verify(session) == Chain(5, broken_number=None)


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        ("UPDATE billing.audit_record SET reason = 'nothing' WHERE number = 3", 3),
        ("UPDATE billing.audit_record SET after = after || '{\"n\": 7}' WHERE number = 1", 1),
        (
            "UPDATE billing.audit_record SET occurred_at = occurred_at - interval '1 second' WHERE number = 5",
            5,
        ),
        ("DELETE FROM billing.audit_record WHERE number = 2", 2),
        ("DELETE FROM billing.audit_record WHERE number = 1", 1),
        ("UPDATE billing.audit_record SET number = number + 1 WHERE number = 5", 5),
        ("UPDATE billing.audit_record SET hash = '\\x00' WHERE number = 4", 4),
    ],
)
async def test_the_first_record_that_was_changed_is_named(
    ledger_of_acts: tuple[Sessions, str], damage: str, broken: int
) -> None:
    """S-B8: even by who owns the database and switches its triggers off."""
    sessions, url = ledger_of_acts
    owner = await asyncpg.connect(url)
    with pytest.raises(asyncpg.PostgresError):
        await owner.execute(damage)
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(damage)
    await owner.close()
    async with sessions() as session:
        assert await audit.verify(session) == Chain(broken - 1, broken_number=broken)


async def test_acts_side_by_side_make_one_chain(ledger_of_acts: tuple[Sessions, str]) -> None:
    sessions, _ = ledger_of_acts

    async def record(number: int) -> None:
        async with sessions.begin() as session:
            await audit.record(session, act(number), now=MovableClock().now())

    await asyncio.gather(*(record(number) for number in range(20)))
    async with sessions() as session:
        assert await audit.verify(session) == Chain(25, broken_number=None)


async def test_the_chain_is_verified_through_the_door(make_caller: Make) -> None:
    staff = make_caller(*FINANCE)
    await staff.get(f"/admin/users/{uuid4()}/summary")
    seen = (await staff.get("/admin/audit/verify")).json()
    assert seen["broken_number"] is None
    assert seen["length"] > 0


async def test_money_that_bought_nothing_is_given_back_from_its_case(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """Its case is closed by that, once, and both are recorded."""
    staff = make_caller(*FINANCE)
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
        fact = success(payment, new_id(), amount_minor=100)
        await settlements.settle(session, fact, settings=settings, now=clock.now())
        opened = await session.scalar(select(Case.id).where(Case.payment_id == payment.id))
    case = (await staff.get(f"/admin/cases/{opened}")).json()
    assert (case["status"], case["kind"]) == ("open", "unallocated_money")
    given = await staff.post(f"/admin/cases/{case['id']}/refunds", {"note": "the bank's mistake"})
    assert (given.status_code, given.json()["amount"], given.json()["source"]) == (201, rub("1.00"), "late")
    again = await staff.post(f"/admin/cases/{case['id']}/refunds", {"note": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "billing.case_not_open")
    [record] = await records_of(staff, actor_id=staff.user_id)
    assert (record["action"], record["subject_id"]) == ("case.refund", case["id"])
