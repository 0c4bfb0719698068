"""Money given back by staff, and the second person's word where it is much."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from theatre.billing import payment_records, payments, refund_previews, refunds
from theatre.billing.models import Refund, RefundSource, RefundStatus
from theatre.billing.routes.doors import Money
from theatre.billing.routes.staff import Manager, Reader, Refunder, Wanted
from theatre.billing.schemas import RefundPreviewAnswer, RefundRejection, StaffRefundAnswer, StaffRefundCreate
from theatre.kit.db import Session, rehearsal
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)


@router.get(
    "/refunds",
    response_model=PageAnswer[StaffRefundAnswer],
    responses=IN_OPENAPI,
    summary="Refunds of all payments, newest first",
)
async def list_refunds(
    staff: Reader,
    wanted: Wanted,
    status: Annotated[
        RefundStatus | None, Query(description="`requested`: those that wait for a second person")
    ] = None,
) -> Response | PageAnswer[StaffRefundAnswer]:
    listing = payment_records.find_refunds(status=status)
    return await wanted.give(staff, "refunds", listing, StaffRefundAnswer.of)


@router.get(
    "/payments/{payment_id}/refunds",
    response_model=PageAnswer[StaffRefundAnswer],
    responses=IN_OPENAPI,
    summary="Refunds of one payment, newest first",
)
async def list_refunds_of_payment(
    payment_id: UUID, staff: Reader, wanted: Wanted
) -> Response | PageAnswer[StaffRefundAnswer]:
    await payments.get(wanted.session, payment_id)
    listing = payment_records.find_refunds(payment_id=payment_id)
    return await wanted.give(staff, "refunds", listing, StaffRefundAnswer.of)


@router.get(
    "/payments/{payment_id}/refunds/preview",
    summary="What a refund would do: by line, to rights and in the ledger; nothing is changed",
)
async def preview_refund(
    payment_id: UUID,
    staff: Refunder,
    amount: Annotated[
        str | None,
        Query(max_length=24, description="in the payment's currency; all that is left, if not said"),
    ] = None,
    takes_rights: bool = False,
) -> RefundPreviewAnswer:
    held = staff.held
    wanted: dict[str, Any] = {"amount": amount, "takes_rights": takes_rights, "staff_id": staff.id}
    async with rehearsal(held.sessions) as session:
        preview = await refund_previews.rehearse(
            session, payment_id, settings=held.settings, now=staff.now, **wanted
        )
        return RefundPreviewAnswer.of(preview)


@router.post(
    "/payments/{payment_id}/refunds",
    status_code=201,
    response_model=StaffRefundAnswer,
    summary="Give money back; much of it waits for a second person",
)
async def create_refund(payment_id: UUID, body: StaffRefundCreate, staff: Refunder, asked: Money) -> Response:
    amount = body.amount.to_money() if body.amount else None
    claim = refunds.Claim(RefundSource.STAFF, staff.id, body.reason, amount, body.takes_rights)

    async def give_back(session: Session) -> Refund:
        refund = await refunds.request(
            session, payment_id, claim, settings=staff.held.settings, now=staff.now
        )
        after = {"payment_id": payment_id, "status": refund.status, "amount_minor": refund.amount_minor}
        await staff.record(session, "refund.create", refund.id, reason=body.reason, after=after)
        return refund

    return await asked.once.run(give_back, answer=StaffRefundAnswer.of)


@router.post(
    "/refunds/{refund_id}/approve",
    response_model=StaffRefundAnswer,
    summary="Agree, as the second person, to a refund",
)
async def approve_refund(refund_id: UUID, staff: Manager, asked: Money) -> Response:
    async def approve(session: Session) -> Refund:
        refund = await refunds.approve(session, refund_id, staff_id=staff.id, now=staff.now)
        await staff.record(session, "refund.approve", refund_id, after={"status": refund.status})
        return refund

    return await asked.once.run(approve, answer=StaffRefundAnswer.of, status=200)


@router.post(
    "/refunds/{refund_id}/reject",
    response_model=StaffRefundAnswer,
    summary="Refuse, as the second person, a refund",
)
async def reject_refund(refund_id: UUID, body: RefundRejection, staff: Manager, asked: Money) -> Response:
    async def reject(session: Session) -> Refund:
        refund = await refunds.reject(session, refund_id, staff_id=staff.id, now=staff.now)
        await staff.record(
            session, "refund.reject", refund_id, reason=body.reason, after={"status": refund.status}
        )
        return refund

    return await asked.once.run(reject, answer=StaffRefundAnswer.of, status=200)
