"""The doors to receipts: a user's own, as JSON and PDF, and staff's to the fiscal ones."""

import asyncio
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import typst
from sqlalchemy import delete, select, update

from tests.billing.acts import NOW, give_back
from tests.billing.conftest import Caller
from tests.billing.test_admin import paid
from tests.billing.test_purchase import create
from theatre.billing import payments, receipt_printer
from theatre.billing.errors import ReceiptBusy
from theatre.billing.models import AuditRecord, PaymentItem, Receipt
from theatre.billing.receipt_printer import TEMPLATES, ReceiptPrinter, typeset
from theatre.billing.routes.receipts import prefers_pdf
from theatre.billing.schemas.receipts import ReceiptAnswer
from theatre.billing.settings import BillingSettings
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions
from theatre.kit.i18n import Catalogue

Make = Callable[..., Caller]
PDF = {"Accept": "application/pdf"}
HOSTILE = [
    '#panic("taken over")',
    '#read("/etc/passwd") #import "@preview/x:1.0.0"',
    "] } $ * _ ` @a <b> \\ // /* ~ =",
    "<script>alert(1)</script>",
    "W" * 200,
    "электрические сны " * 12,
    "😀 电影 ﷽ \u202e",
    "строка\nдругая\tтретья",
    " ",
]


@pytest.fixture
async def buyer(make_caller: Make) -> Caller:
    return make_caller()


async def numbers(sessions: Sessions, payment_id: str) -> None:
    """Let a payment's receipts be registered."""
    known = {
        "status": "succeeded",
        "registered_at": datetime(2027, 1, 31, 12, 0, 7, tzinfo=UTC),
        "fiscal_document_number": "31415",
        "fiscal_storage_number": "9288000100115785",
        "fiscal_attribute": "3215849977",
        "vat_code": 11,
        "tax_system_code": 1,
        "next_try_at": None,
    }
    async with sessions.begin() as session:
        await session.execute(update(Receipt).where(Receipt.payment_id == UUID(payment_id)).values(known))


async def test_the_receipt_of_a_paid_payment(
    buyer: Caller, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    payment_id = await paid(buyer, sessions, settings, clock)
    answer = await buyer.get(f"/payments/{payment_id}/receipt")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert "Accept" in answer.headers["vary"]
    receipt = answer.json()
    payment = (await buyer.get(f"/payments/{payment_id}")).json()
    assert (receipt["payment_id"], receipt["status"], receipt["total"]) == (
        payment_id,
        "paid",
        payment["total"],
    )
    assert receipt["paid_at"] == payment["paid_at"]
    assert [line["name"] for line in receipt["lines"]] == [item["name"] for item in payment["items"]]
    assert receipt["seller"]["name"] == settings.seller_name
    assert re.fullmatch(r"[0-9A-F]{4}(-[0-9A-F]{4}){2}", receipt["number"])
    assert receipt["fiscal"] == {
        "status": "pending",
        "document_number": None,
        "storage_number": None,
        "attribute": None,
        "vat_code": None,
        "tax_system_code": None,
        "registered_at": None,
    }
    await numbers(sessions, payment_id)
    fiscal = (await buyer.get(f"/payments/{payment_id}/receipt")).json()["fiscal"]
    assert (fiscal["status"], fiscal["document_number"], fiscal["registered_at"]) == (
        "registered",
        "31415",
        "2027-01-31T12:00:07Z",
    )


async def test_a_receipt_tells_of_discount_and_refunds(
    buyer: Caller, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    payment_id = await paid(buyer, sessions, settings, clock)
    async with sessions.begin() as session:
        payment = await payments.get_locked(session, UUID(payment_id))
        payment.items[0].discount_minor = payment.discount_minor = 100
        payment.total_minor -= 100
        payment.promo_code = "SPRING"
        refund = await give_back(session, settings, payment, amount_minor=250, now=clock.now())
        left_minor = payment.total_minor - 250
    receipt = (await buyer.get(f"/payments/{payment_id}/receipt")).json()
    assert (receipt["discount"]["amount"], receipt["promo_code"]) == ("1.00", "SPRING")
    assert receipt["lines"][0]["total"] == receipt["total"]
    assert minor(receipt["subtotal"]) - 100 == minor(receipt["total"]) == left_minor + 250
    assert receipt["refunded"]["amount"] == "2.50"
    (back,) = receipt["refunds"]
    assert (back["id"], back["amount"]["amount"]) == (str(refund.id), "2.50")
    assert back["fiscal"]["status"] == "pending"


def minor(amount: dict[str, str]) -> int:
    return int(amount["amount"].replace(".", ""))


async def test_what_cost_nothing_has_a_receipt_without_a_fiscal_one(
    buyer: Caller, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """M9"""
    payment_id = await paid(buyer, sessions, settings, clock)
    async with sessions.begin() as session:
        await session.execute(delete(Receipt).where(Receipt.payment_id == UUID(payment_id)))
        payment = await payments.get_locked(session, UUID(payment_id))
        payment.discount_minor = payment.items[0].discount_minor = payment.total_minor
        payment.total_minor = 0
        payment.provider = None
    receipt = (await buyer.get(f"/payments/{payment_id}/receipt")).json()
    assert (receipt["total"]["amount"], receipt["fiscal"], receipt["provider"]) == ("0.00", None, None)
    assert (await buyer.http.get(f"/billing/api/v1/payments/{payment_id}/receipt", headers=PDF)).is_success


async def test_before_it_is_paid_there_is_no_receipt(buyer: Caller) -> None:
    made = await create(buyer, "film")
    answer = await buyer.get(f"/payments/{made['id']}/receipt")
    assert (answer.status_code, answer.json()["code"]) == (409, "billing.payment_not_paid")


async def test_anothers_receipt_does_not_exist(
    buyer: Caller, make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """P3"""
    payment_id = await paid(buyer, sessions, settings, clock)
    thief = make_caller()
    for wanted in (payment_id, str(uuid4())):
        for headers in (PDF, {"Accept": "*/*"}):
            path = f"/billing/api/v1/payments/{wanted}/receipt"
            answer = await thief.http.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "billing.payment_unknown")
    thief.http.headers.pop("authorization")
    assert (await thief.get(f"/payments/{payment_id}/receipt")).status_code == 401


@pytest.mark.parametrize("locale", ["ru", "en"])
async def test_the_receipt_as_pdf_in_the_users_language(
    buyer: Caller, sessions: Sessions, settings: BillingSettings, clock: MovableClock, locale: str
) -> None:
    payment_id = await paid(buyer, sessions, settings, clock)
    await numbers(sessions, payment_id)
    headers = {**PDF, "Accept-Language": locale}
    answer = await buyer.http.get(f"/billing/api/v1/payments/{payment_id}/receipt", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-language"] == locale
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(
        r'inline; filename="receipt-[0-9A-F-]{14}\.pdf"', answer.headers["content-disposition"]
    )
    assert answer.content.startswith(b"%PDF-")
    assert pages_of(answer.content) == 1
    assert len(answer.content) < 200_000


def pages_of(drawn: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", drawn))


@pytest.mark.parametrize(
    ("accept", "is_pdf"),
    [
        ("application/pdf", True),
        ("application/pdf;q=0.9, application/json;q=0.8", True),
        ("application/pdf, */*", True),
        ("Application/PDF ; Q=0.5", True),
        ("*/*, application/pdf;q=0.1", False),
        ("application/*;q=0.2, application/pdf;q=0.3", True),
        ("application/json, application/pdf;q=0.9", False),
        ("application/pdf;q=0", False),
        ("application/pdf;q=x", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("", False),
        (";;;,,,q=", False),
        (",".join(["a/b"] * 30) + ",application/pdf", False),
    ],
)
def test_a_pdf_is_given_to_who_asks_for_it_by_name(accept: str, *, is_pdf: bool) -> None:
    assert prefers_pdf(accept) is is_pdf


@pytest.fixture
async def receipt(
    buyer: Caller, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> ReceiptAnswer:
    payment_id = await paid(buyer, sessions, settings, clock)
    return ReceiptAnswer.model_validate((await buyer.get(f"/payments/{payment_id}/receipt")).json())


@pytest.mark.parametrize("name", HOSTILE)
async def test_words_of_people_are_drawn_and_never_obeyed(receipt: ReceiptAnswer, name: str) -> None:
    """They reach the template as data: as markup, most of these would stop the drawing."""
    line = receipt.lines[0].model_copy(update={"name": name})
    seller = receipt.seller.model_copy(update={"name": name, "address": name, "site": name, "email": name})
    odd = receipt.model_copy(
        update={"lines": [line] * 3, "seller": seller, "provider": name, "promo_code": name}
    )
    with ReceiptPrinter("Europe/Moscow") as printer:
        drawn = await printer.draw(odd, "ru")
    assert pages_of(drawn) == 1


def test_markup_in_the_template_itself_would_be_obeyed(tmp_path: Path) -> None:
    """The counter-proof: the same words stop the drawing where they are markup."""
    (tmp_path / "receipt.typ").write_text('#panic("taken over")')
    with pytest.raises(typst.TypstError, match="taken over"):
        typeset(tmp_path, {})


async def test_very_many_lines_and_refunds_stay_small(receipt: ReceiptAnswer) -> None:
    line = receipt.lines[0].model_copy(update={"name": "Очень длинное название " * 9})
    back = {"id": uuid4(), "amount": receipt.total, "refunded_at": NOW, "fiscal": receipt.fiscal}
    from theatre.billing.schemas.receipts import ReceiptRefundAnswer

    many = receipt.model_copy(
        update={
            "lines": [line] * 20,
            "refunds": [ReceiptRefundAnswer(**back)] * 5000,
            "refunded": receipt.total,
        }
    )
    with ReceiptPrinter("Europe/Moscow") as printer:
        drawn = await printer.draw(many, "ru")
    assert pages_of(drawn) <= 3
    assert len(drawn) < 300_000


async def test_a_printer_that_hangs_holds_up_nobody_for_long(
    receipt: ReceiptAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who asks gets a 503 in time; so do those for whom there is no place; then all goes on."""
    monkeypatch.setattr(receipt_printer, "TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(receipt_printer, "MAX_WAITING", 2)
    released = threading.Event()

    def hang(*_: Any) -> bytes:
        released.wait(20)
        return b"%PDF-"

    monkeypatch.setattr(receipt_printer, "typeset", hang)
    with ReceiptPrinter("Europe/Moscow") as printer:
        outcomes = await asyncio.gather(
            *(printer.draw(receipt, "en") for _ in range(4)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [ReceiptBusy] * 4
        released.set()
        async with asyncio.timeout(10):
            while (drawn := await drawn_or_none(printer, receipt)) is None:
                await asyncio.sleep(0.01)
        assert drawn == b"%PDF-"


async def drawn_or_none(printer: ReceiptPrinter, receipt: ReceiptAnswer) -> bytes | None:
    try:
        return await printer.draw(receipt, "en")
    except ReceiptBusy:
        return None


async def test_a_sheet_larger_than_can_be_meant_is_not_given(
    receipt: ReceiptAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt_printer, "MAX_BYTES", 10)
    with ReceiptPrinter("Europe/Moscow") as printer, pytest.raises(ReceiptBusy):
        await printer.draw(receipt, "en")


def test_the_texts_of_receipts_are_there_in_both_languages() -> None:
    texts = Catalogue.of_package("theatre.billing")
    assert texts._texts["ru"].keys() == texts._texts["en"].keys()
    assert (Path(str(TEMPLATES)) / "receipt.typ").exists()


async def test_staff_see_the_fiscal_receipts_of_a_payment(
    buyer: Caller, make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    payment_id = await paid(buyer, sessions, settings, clock)
    reader = make_caller("billing.read")
    (shown,) = (await reader.get(f"/admin/payments/{payment_id}/receipts")).json()["items"]
    assert (shown["kind"], shown["status"], shown["payment_id"]) == ("income", "pending", payment_id)
    assert "email" not in shown
    assert (await reader.get(f"/admin/payments/{uuid4()}/receipts")).status_code == 404


async def test_staff_retry_a_receipt_and_it_is_written_down(
    buyer: Caller, make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    payment_id = await paid(buyer, sessions, settings, clock)
    keeper = make_caller("billing.read", "billing.manage")
    (shown,) = (await keeper.get(f"/admin/payments/{payment_id}/receipts")).json()["items"]
    answer = await keeper.post(f"/admin/receipts/{shown['id']}/retry")
    assert (answer.status_code, answer.json()["status"], answer.json()["tries"]) == (200, "pending", 0)
    async with sessions() as session:
        found = select(AuditRecord).where(AuditRecord.actor_id == keeper.user_id)
        (written,) = (await session.scalars(found)).all()
    assert (written.action, written.subject_id) == ("receipt.retry", shown["id"])
    assert written.request_id == answer.headers["x-request-id"]
    await numbers(sessions, payment_id)
    answer = await keeper.post(f"/admin/receipts/{shown['id']}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "billing.receipt_not_retriable")
    answer = await keeper.post(f"/admin/receipts/{uuid4()}/retry")
    assert (answer.status_code, answer.json()["code"]) == (404, "billing.receipt_unknown")


async def test_staff_see_a_days_money_against_its_receipts(make_caller: Make) -> None:
    reader = make_caller("billing.read")
    answer = await reader.get("/admin/receipts/days/2019-02-28")
    nothing = {"amount": "0.00", "currency": "RUB"}
    sums = dict.fromkeys(("captured", "refunded", "income", "returned"), nothing)
    assert answer.json() == {"day": "2019-02-28", **sums, "differences": []}
    for strange in ("9999-12-31", "0001-01-01", "yesterday"):
        assert (await reader.get(f"/admin/receipts/days/{strange}")).status_code == 422


@pytest.mark.parametrize("permissions", [(), ("billing.refund",), ("billing.read",)])
async def test_staffs_doors_ask_for_their_permission(make_caller: Make, permissions: tuple[str, ...]) -> None:
    caller = make_caller(*permissions)
    may_read = "billing.read" in permissions
    assert ((await caller.get("/admin/receipts/days/2027-01-31")).status_code == 403) != may_read
    assert ((await caller.get(f"/admin/payments/{uuid4()}/receipts")).status_code == 403) != may_read
    assert (await caller.post(f"/admin/receipts/{uuid4()}/retry")).status_code == 403


async def test_the_name_of_a_line_is_the_one_at_the_time_of_sale(
    buyer: Caller, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    payment_id = await paid(buyer, sessions, settings, clock)
    async with sessions.begin() as session:
        renamed = update(PaymentItem).where(PaymentItem.payment_id == UUID(payment_id)).values(name="«Ночь»")
        await session.execute(renamed)
        (made,) = (await session.scalars(select(Receipt).where(Receipt.payment_id == UUID(payment_id)))).all()
    assert made.lines[0]["description"] != "«Ночь»"
