"""Doors to receipts: one's own as JSON or PDF, and for staff the fiscal ones."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from theatre.billing import audit, payments, receipts, refunds
from theatre.billing.errors import PaymentNotPaid
from theatre.billing.receipt_schemas import DayAnswer, FiscalReceiptAnswer, ReceiptAnswer
from theatre.billing.routes.doors import Held, Locale, own_id
from theatre.kit.access import Principal, User, having
from theatre.kit.db import InTransaction, transaction
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix="/billing/api/v1", tags=["billing: receipts"], route_class=StrictRoute)

PDF = "application/pdf"
JSON_RANGES = ("application/json", "application/*", "*/*")
MAX_RANGES = 20
Reader = Annotated[Principal, Depends(having("billing.read"))]
# no money moved before, and a calendar has an end
MoneyDay = Annotated[date, Path(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]
Keeper = Annotated[Principal, Depends(having("billing.manage"))]


async def own_receipt(payment_id: UUID, user: User, held: Held) -> ReceiptAnswer:
    """Gather the receipt of one of one's own payments, in a transaction that is over before anything is drawn.

    Raises:
        PaymentUnknown, PaymentNotPaid
    """
    async with transaction(held.sessions) as session:
        payment = await payments.get(session, payment_id, user_id=own_id(user))
        if payment.paid_at is None:
            raise PaymentNotPaid
        given_back = await refunds.list_of(session, payment.id)
        fiscal = await receipts.list_of(session, payment.id)
    return ReceiptAnswer.of(payment, given_back, fiscal, settings=held.settings)


@router.get(
    "/payments/{payment_id}/receipt",
    response_model=ReceiptAnswer,
    responses={200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}},
    summary="The receipt of one of one's own payments, with `Accept: application/pdf` as PDF",
)
async def get_receipt(
    request: Request,
    receipt: Annotated[ReceiptAnswer, Depends(own_receipt)],
    held: Held,
    locale: Locale,
) -> Response:
    headers = {"Vary": "Accept, Accept-Language", "Content-Language": locale}
    if not prefers_pdf(request.headers.get("accept", "")):
        return Response(receipt.model_dump_json(), media_type="application/json", headers=headers)
    drawn = await held.printer.draw(receipt, locale)
    headers["Content-Disposition"] = f'inline; filename="receipt-{receipt.number}.pdf"'
    return Response(drawn, media_type=PDF, headers=headers)


def prefers_pdf(accept: str) -> bool:
    """Tell whether a PDF is asked for by name and no less than JSON."""
    weights = dict(map(_weighed, accept.split(",")[:MAX_RANGES]))
    wanted = weights.get(PDF, 0)
    json = next((weights[kind] for kind in JSON_RANGES if kind in weights), 0)
    return wanted > 0 and wanted >= json


def _weighed(part: str) -> tuple[str, int]:
    """Read a media range and its weight in thousandths."""
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [piece.removeprefix("q=") for piece in parameters if piece.startswith("q=")]
    whole, _, rest = (weights[0] if weights else "1").partition(".")
    digits = f"{whole}{rest[:3]:0<3}"
    return kind, int(digits) if digits.isascii() and digits.isdigit() else 0


@router.get("/admin/payments/{payment_id}/receipts", summary="Fiscal receipts of a payment and its refunds")
async def list_receipts(
    payment_id: UUID, _: Reader, session: InTransaction
) -> PageAnswer[FiscalReceiptAnswer]:
    payment = await payments.get(session, payment_id)
    found = await receipts.list_of(session, payment.id)
    return PageAnswer(items=[FiscalReceiptAnswer.of(receipt) for receipt in found], next_cursor=None)


@router.post("/admin/receipts/{receipt_id}/retry", summary="Hand a fiscal receipt in again now")
async def retry_receipt(
    receipt_id: UUID, staff: Keeper, request: Request, session: InTransaction, held: Held
) -> FiscalReceiptAnswer:
    now = held.clock.now()
    receipt = await receipts.retry(session, receipt_id, now=now)
    act = audit.Act(
        actor_id=own_id(staff),
        action="receipt.retry",
        subject_kind="receipt",
        subject_id=str(receipt_id),
        request_id=request.scope["request_id"],
    )
    await audit.record(session, act, now=now)
    return FiscalReceiptAnswer.of(receipt)


@router.get("/admin/receipts/days/{day_on}", summary="A Moscow day's money against its fiscal receipts")
async def compare_day(day_on: MoneyDay, _: Reader, session: InTransaction) -> DayAnswer:
    return DayAnswer.of(day_on, await receipts.compare_day(session, day_on))
