"""What staff find: filters, references, a customer at a glance, accounts; and every list as CSV."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, text

from tests.billing.acts import buy, give_back, pay, success
from tests.billing.claims import Claim, tell
from tests.billing.conftest import Caller
from tests.billing.desk import PaymentDesk, attempt
from tests.billing.test_admin import paid
from tests.billing.test_purchase import create
from tests.kit.test_workbooks import cells_of
from theatre.billing import cases, payment_records, settlements
from theatre.billing.cases import Trouble
from theatre.billing.models import CaseKind
from theatre.billing.settings import BillingSettings
from theatre.kit import listing
from theatre.kit.clock import MovableClock
from theatre.kit.db import Session, Sessions
from theatre.kit.ids import new_id
from theatre.kit.pagination import encode_cursor
from theatre.kit.sheets import MEDIA_TYPES, SheetKind

Make = Callable[..., Caller]
FINANCE = ("billing.read", "billing.refund", "billing.manage")
USER = UUID(int=7)
LISTS = [
    "/payments",
    "/refunds",
    "/disputes",
    "/subscriptions",
    "/products",
    "/prices",
    "/cases",
    "/receipts",
    "/promo_codes",
    "/reconciliation",
    "/ledger/accounts",
    "/ledger/entries",
    "/audit",
    "/messages/dead",
]


async def test_a_payment_is_found_by_any_id_that_staff_are_told(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    """The payment's, the buyer's, each attempt's, and the provider's reference of its money."""
    staff = make_caller("billing.read")
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
        attempt_id = await pay(session, settings, payment)
    reference = str(attempt_id)  # what the provider of these tests calls it
    for query in (payment.id, payment.user_id, attempt_id, reference.upper()):
        found = (await staff.get("/admin/payments", q=query)).json()["items"]
        assert [line["id"] for line in found] == [str(payment.id)], query
    assert (await staff.get("/admin/payments", q=uuid4())).json()["items"] == []
    assert (await staff.get("/admin/payments", q="' OR 1=1 --")).json()["items"] == []


async def test_money_that_bought_nothing_is_found_by_the_providers_reference(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """Just then staff are asked: the buyer has paid, we have not sold."""
    staff = make_caller("billing.read")
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
        fact = success(payment, new_id(), amount_minor=1)
        fact = fact.model_copy(update={"provider_reference": f"other-{payment.id}"})
        await settlements.settle(session, fact, settings=settings, now=clock.now())
    found = (await staff.get("/admin/payments", q=f"other-{payment.id}")).json()["items"]
    assert [(line["id"], line["status"]) for line in found] == [(str(payment.id), "unpaid")]
    entries = (await staff.get("/admin/ledger/entries", payment_id=payment.id)).json()["items"]
    assert f"other-{payment.id}" in {entry["provider_reference"] for entry in entries}


@pytest.mark.parametrize(
    "path", ["/admin/payments", "/admin/ledger/entries", "/admin/refunds", "/admin/audit"]
)
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        encode_cursor(("x",)),
        encode_cursor((str(USER), str(USER), "1")),
        encode_cursor(("2027-01-01T00:00:00", str(USER))),
        encode_cursor(("0001-01-01T00:00:00+14:00", str(USER))),
        encode_cursor((str(2**70),)),
    ],
)
async def test_a_forged_cursor_is_refused(make_caller: Make, path: str, cursor: str) -> None:
    """S-B12"""
    answer = await make_caller(*FINANCE).get(path, cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (400, "kit.bad_cursor")


async def test_a_payment_is_shown_with_its_attempts_as_payment_service_knows_them(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock, desk: PaymentDesk
) -> None:
    payment_id = await paid(make_caller(), sessions, settings, clock)

    def answer(request: httpx.Request) -> httpx.Response:
        id = request.url.path.split("/")[-1]
        return httpx.Response(200, json=attempt({"id": id, "payment_id": payment_id}, status="succeeded"))

    desk.answer = answer
    seen = (await make_caller("billing.read").get(f"/admin/payments/{payment_id}")).json()
    [shown] = seen["attempts"]
    assert shown["id"] == seen["paid_attempt_id"]
    assert (shown["status"], shown["provider_reference"]) == ("succeeded", "ref")


async def test_a_payment_is_shown_with_what_its_buyer_was_told(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock, desk: PaymentDesk
) -> None:
    payment_id = await paid(make_caller(), sessions, settings, clock)
    delivery = {
        "id": str(uuid4()),
        "kind": "payment_status",
        "told": "succeeded",
        "channel": "email",
        "status": "sent",
        "tries": 2,
        "created_at": "2027-01-31T12:00:00Z",
        "sent_at": "2027-01-31T12:00:07Z",
    }

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/notification/internal/v1/deliveries":
            assert dict(request.url.params) == {"payment_id": payment_id}
            return httpx.Response(200, json={"items": [delivery]})
        return httpx.Response(404, json={"code": "x"})

    desk.answer = answer
    seen = (await make_caller("billing.read").get(f"/admin/payments/{payment_id}")).json()
    assert (seen["deliveries"], seen["are_deliveries_known"]) == ([delivery], True)


async def test_a_payment_is_shown_with_callbacks_receipts_and_the_explanation_of_its_amounts(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock, desk: PaymentDesk
) -> None:
    payment_id = await paid(make_caller(), sessions, settings, clock)
    heard = {
        "id": str(uuid4()),
        "provider": "yookassa",
        "event": "payment.succeeded",
        "object_id": "ref",
        "status": "applied",
        "reason": None,
        "received_at": "2027-01-31T12:00:00Z",
        "judged_at": "2027-01-31T12:00:01Z",
    }

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == f"/payment/internal/v1/payments/{payment_id}/events":
            return httpx.Response(200, json={"items": [heard]})
        return httpx.Response(404, json={"code": "x"})

    desk.answer = answer
    staff = make_caller("billing.read")
    seen = (await staff.get(f"/admin/payments/{payment_id}")).json()
    assert (seen["events"], seen["are_events_known"]) == ([heard], True)
    assert [(line["kind"], line["amount"]) for line in seen["receipts"]] == [("income", seen["total"])]
    assert seen["explanation"] == (await staff.get(f"/admin/payments/{payment_id}/explain")).json()
    assert seen["explanation"]["agrees"]


async def test_however_much_happened_to_a_payment_it_is_read_by_as_many_statements(
    session: Session, settings: BillingSettings
) -> None:
    counts = []
    for happened in (1, 5):
        payment = await buy(session, settings, "plan", "film")
        await pay(session, settings, payment)
        for _ in range(happened):
            await give_back(session, settings, payment, amount_minor=1)
            claim = Claim.of(payment, amount_minor=1)
            await tell(session, claim.opened(), claim.won())
        await session.flush()
        session.expunge_all()
        with counted(session) as statements:
            record = await payment_records.get(session, payment.id)
        assert len(record.refunds) == len(record.disputes) == happened
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 25


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    """Take down the statements that a session sends."""
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    assert session.bind is not None
    engine = session.bind.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("status", [503, 404])
async def test_a_payment_is_shown_without_other_services(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    clock: MovableClock,
    desk: PaymentDesk,
    status: int,
) -> None:
    payment_id = await paid(make_caller(), sessions, settings, clock)
    desk.answer = lambda _: httpx.Response(status, json={"code": "x"})
    answer = await make_caller("billing.read").get(f"/admin/payments/{payment_id}")
    assert answer.status_code == 200
    assert [shown["status"] for shown in answer.json()["attempts"]] == [None]
    assert (answer.json()["deliveries"], answer.json()["are_deliveries_known"]) == ([], False)
    assert (answer.json()["events"], answer.json()["are_events_known"]) == ([], False)
    assert answer.json()["ledger"]


async def test_a_customer_is_summed_up(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    buyer, staff = make_caller(), make_caller("billing.read", "billing.refund")
    film = await paid(buyer, sessions, settings, clock)
    async with sessions.begin() as session:
        plan = await buy(session, settings, "plan", user_id=buyer.user_id, now=clock.now())
        await pay(session, settings, plan, now=clock.now())
        await buy(session, settings, "film", user_id=buyer.user_id)
    amount = {"amount": "100.00", "currency": "RUB"}
    await staff.post(f"/admin/payments/{film}/refunds", {"reason": "x", "amount": amount})
    seen = (await staff.get(f"/admin/users/{buyer.user_id}/summary")).json()
    assert {(line["status"], line["count"]) for line in seen["payments"]} == {("paid", 2), ("unpaid", 1)}
    [refunds] = seen["refunds"]
    assert (refunds["status"], refunds["count"], refunds["total"]) == ("pending", 1, amount)
    assert {right["kind"] for right in seen["entitlements"]} == {"film", "plan"}
    assert [line["status"] for line in seen["subscriptions"]] == ["active"]
    assert (seen["disputes"], seen["cases"]) == ([], [])
    stranger = (await staff.get(f"/admin/users/{uuid4()}/summary")).json()
    assert stranger["payments"] == stranger["entitlements"] == []


async def test_a_customers_disputes_and_what_staff_noted_are_in_the_sum(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    staff, user_id = make_caller(*FINANCE), uuid4()
    async with sessions.begin() as session:
        for buyer in (user_id, uuid4()):
            film = await buy(session, settings, "film", user_id=buyer)
            await pay(session, settings, film)
            await tell(session, Claim.of(film, amount_minor=100).opened())
    seen = (await staff.get(f"/admin/users/{user_id}/summary")).json()
    [case] = seen["cases"]
    assert [(line["status"], line["amount"]["amount"]) for line in seen["disputes"]] == [("open", "1.00")]
    await staff.post(f"/admin/cases/{case['id']}/resolve", {"note": "called the bank"})
    seen = (await staff.get(f"/admin/users/{user_id}/summary")).json()
    assert [line["note"] for line in seen["cases"]] == ["called the bank"]


async def test_plans_are_found_by_user_and_state(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    user_id = uuid4()
    async with sessions.begin() as session:
        plan = await buy(session, settings, "plan", user_id=user_id, now=clock.now())
        await pay(session, settings, plan, now=clock.now())
    staff = make_caller("billing.read")
    [found] = (await staff.get("/admin/subscriptions", user_id=user_id, status="active")).json()["items"]
    assert found["user_id"] == str(user_id)
    assert (await staff.get("/admin/subscriptions", user_id=user_id, status="expired")).json()["items"] == []


async def test_accounts_hold_what_entries_posted(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    staff = make_caller("billing.read")

    async def held() -> dict[str, int]:
        lines = (await staff.get("/admin/ledger/accounts")).json()["items"]
        return {line["account"]: line["balance_minor"] for line in lines if line["currency"] == "RUB"}

    before = await held()
    payment_id = await paid(make_caller(), sessions, settings, clock)
    after = await held()
    payment = (await staff.get(f"/admin/payments/{payment_id}")).json()
    gained = after["cash:yookassa"] - before.get("cash:yookassa", 0)
    assert gained == Decimal(payment["total"]["amount"]) * 100
    assert sum(after.values()) == 0
    found = (await staff.get("/admin/ledger/entries", payment_id=payment_id, account="cash:yookassa")).json()
    assert {entry["payment_id"] for entry in found["items"]} == {payment_id}
    assert (await staff.get("/admin/ledger/entries", payment_id=payment_id, account="nobody")).json()[
        "items"
    ] == []


async def test_a_case_is_found_and_closed_with_a_note_once(
    make_caller: Make, sessions: Sessions, clock: MovableClock
) -> None:
    trouble = Trouble(CaseKind.RECONCILIATION, f"test:{uuid4()}", details={"row": 7})
    async with sessions.begin() as session:
        await cases.open_once(session, trouble, now=clock.now())
    staff = make_caller(*FINANCE)
    [case] = [
        line
        for line in (await staff.get("/admin/cases", status="open", kind="reconciliation")).json()["items"]
        if line["cause"] == trouble.cause
    ]
    path = f"/admin/cases/{case['id']}"
    assert (await staff.post(f"{path}/resolve", {"note": "  "})).status_code == 422
    closed = await staff.post(f"{path}/resolve", {"note": "the bank was late"})
    assert (closed.status_code, closed.json()["resolved_by"]) == (200, str(staff.user_id))
    again = await staff.post(f"{path}/resolve", {"note": "no, it was us"})
    assert (again.status_code, again.json()["code"]) == (409, "billing.case_not_open")
    assert (await staff.get(path)).json()["note"] == "the bank was late"


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_is_given_as_csv(make_caller: Make, broker_schema: None, path: str) -> None:
    staff = make_caller(*FINANCE)
    answer = await staff.http.get(f"/billing/api/v1/admin{path}", headers={"Accept": "text/csv"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.text.split("\r\n")[0]
    refused = await make_caller().http.get(f"/billing/api/v1/admin{path}", headers={"Accept": "text/csv"})
    assert refused.status_code == 403


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_is_given_as_a_workbook(make_caller: Make, broker_schema: None, path: str) -> None:
    staff = make_caller(*FINANCE)
    media_type = MEDIA_TYPES[SheetKind.XLSX]
    answer = await staff.http.get(f"/billing/api/v1/admin{path}", headers={"Accept": media_type})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"].endswith('.xlsx"')
    [head, *_] = cells_of(answer.content)
    assert head
    refused = await make_caller().http.get(f"/billing/api/v1/admin{path}", headers={"Accept": media_type})
    assert refused.status_code == 403


async def test_a_link_names_the_file_that_it_is_for(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    """A browser that follows a link asks for HTML."""
    staff = make_caller("billing.read")
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
    staff.http.headers["Accept"] = "text/html,*/*;q=0.8"
    listed = await staff.get("/admin/payments", q=payment.id, format="csv")
    assert str(payment.id) in listed.text
    [head, row] = cells_of((await staff.get("/admin/payments", q=payment.id, format="xlsx")).content)
    found = dict(zip((name for _, name in head), row, strict=False))
    assert found["total"] == ("n", f"{Decimal(payment.total_minor) / 100:.2f}")
    assert found["currency"] == ("inlineStr", "RUB")
    refused = await staff.get("/admin/payments", format="pdf")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "query.format")


async def test_a_workbook_of_too_many_rows_is_refused_before_it_begins(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_ROWS", 1)
    user_id, staff = uuid4(), make_caller("billing.read")
    async with sessions.begin() as session:
        for _ in range(2):
            await buy(session, settings, "film", user_id=user_id)
    refused = await staff.get("/admin/payments", user_id=user_id, format="xlsx")
    assert (refused.status_code, refused.json()["code"]) == (422, "kit.sheet_too_long")


async def test_the_csv_of_payments_is_whole_and_sums_to_what_they_are(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    """P5: no page ends it, and its sums equal the database's."""
    user_id, staff = uuid4(), make_caller("billing.read")
    async with sessions.begin() as session:
        for _ in range(120):
            await buy(session, settings, "film", user_id=user_id)
        total = await session.scalar(
            text("SELECT sum(total_minor)::bigint FROM billing.payment WHERE user_id = :id"), {"id": user_id}
        )
    rows = await staff.get_csv("/admin/payments", user_id=user_id, limit=1)
    assert len(rows) == 120
    assert sum(Decimal(row["total"]) for row in rows) * 100 == total
    moments = [(row["created_at"], row["id"]) for row in rows]
    assert moments == sorted(moments, reverse=True)


async def test_an_entrys_csv_has_a_line_for_each_posting(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    payment_id = await paid(make_caller(), sessions, settings, clock)
    rows = await make_caller("billing.read").get_csv("/admin/ledger/entries", payment_id=payment_id)
    assert len(rows) >= 2
    assert sum(Decimal(row["amount"]) for row in rows) == 0


async def test_a_name_that_is_a_formula_is_defused(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    """S-B16"""
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
        payment.title = '=HYPERLINK("https://evil.example")'
    [row] = await make_caller("billing.read").get_csv("/admin/payments", q=payment.id)
    assert row["title"] == '\'=HYPERLINK("https://evil.example")'


async def test_exports_do_not_take_the_connections_of_sales(app: FastAPI, make_caller: Make) -> None:
    """Two lists being read slowly leave a third waiting, never a purchase."""
    held: Any = app.state.resources
    async with held.exports() as one, held.exports() as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 1"))
        made = await create(make_caller(), "film")
        assert made["status"] == "unpaid"
        headers = {"Accept": "text/csv"}
        staff = make_caller("billing.read")
        refused = await staff.http.get("/billing/api/v1/admin/payments", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "kit.unavailable")


async def test_a_file_that_its_reader_leaves_gives_its_connection_back(
    app: FastAPI, make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    staff = make_caller("billing.read")
    await create(make_caller(), "film")
    has_begun = asyncio.Event()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            has_begun.set()
            await asyncio.Event().wait()  # nobody reads

    async def receive() -> Any:
        await has_begun.wait()
        return {"type": "http.disconnect"}

    headers = {**staff.http.headers, "accept": "text/csv"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/billing/api/v1/admin/payments",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    assert has_begun.is_set()
    held: Any = app.state.resources
    assert held.exports.kw["bind"].pool.checkedout() == 0


async def test_a_list_taken_away_is_written_down(make_caller: Make) -> None:
    """S-B8: who exported which payments."""
    staff, user_id = make_caller(*FINANCE), uuid4()
    await staff.get_csv("/admin/payments", user_id=user_id, unheard_of="\0" + "x" * 1000)
    [record] = (await staff.get("/admin/audit", actor_id=staff.user_id)).json()["items"]
    assert record["action"] == "payments.export"
    assert record["after"] == {"user_id": str(user_id), "unheard_of": "x" * 199}


async def test_payments_are_cut_by_moments(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    user_id, staff = uuid4(), make_caller("billing.read")
    start = clock.now()
    async with sessions.begin() as session:
        made = [
            await buy(session, settings, "film", user_id=user_id, now=start + timedelta(hours=hour))
            for hour in range(3)
        ]

    async def found(since: int, until: int) -> list[UUID]:
        moments = {
            "from": (start + timedelta(hours=since)).isoformat(),
            "to": (start + timedelta(hours=until)).isoformat(),
        }
        items = (await staff.get("/admin/payments", user_id=user_id, **moments)).json()["items"]
        return [UUID(item["id"]) for item in items]

    assert await found(0, 3) == [payment.id for payment in reversed(made)]
    assert await found(1, 2) == [made[1].id]
    assert await found(2, 2) == []
