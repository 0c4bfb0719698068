"""Fiscal receipts: those of a payment, one handed in again, and a day's money against them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from theatre.billing import payments, receipts
from theatre.billing.models import ReceiptStatus
from theatre.billing.routes.staff import Manager, Reader, Wanted
from theatre.billing.schemas.receipts import DayAnswer, FiscalReceiptAnswer
from theatre.kit.db import InTransaction
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)

# no money moved before, and a calendar has an end
MoneyDay = Annotated[date, Path(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]


@router.get(
    "/payments/{payment_id}/receipts",
    response_model=PageAnswer[FiscalReceiptAnswer],
    responses=IN_OPENAPI,
    summary="Fiscal receipts of a payment and its refunds, newest first",
)
async def list_receipts(
    payment_id: UUID, staff: Reader, wanted: Wanted
) -> Response | PageAnswer[FiscalReceiptAnswer]:
    await payments.get(wanted.session, payment_id)
    return await wanted.give(staff, "receipts", receipts.find(payment_id=payment_id), FiscalReceiptAnswer.of)


@router.get(
    "/receipts",
    response_model=PageAnswer[FiscalReceiptAnswer],
    responses=IN_OPENAPI,
    summary="Fiscal receipts of all payments, newest first",
)
async def list_all_receipts(
    staff: Reader, wanted: Wanted, status: ReceiptStatus | None = None
) -> Response | PageAnswer[FiscalReceiptAnswer]:
    return await wanted.give(staff, "receipts", receipts.find(status=status), FiscalReceiptAnswer.of)


@router.post("/receipts/{receipt_id}/retry", summary="Hand a fiscal receipt in again now")
async def retry_receipt(receipt_id: UUID, staff: Manager, session: InTransaction) -> FiscalReceiptAnswer:
    receipt = await receipts.retry(session, receipt_id, now=staff.now)
    await staff.record(session, "receipt.retry", receipt_id)
    return FiscalReceiptAnswer.of(receipt)


@router.get("/receipts/days/{day_on}", summary="A Moscow day's money against its fiscal receipts")
async def compare_day(day_on: MoneyDay, _: Reader, session: InTransaction) -> DayAnswer:
    return DayAnswer.of(day_on, await receipts.compare_day(session, day_on))
