"""Payments of all users: found by filters, read whole."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import StringConstraints

from theatre.billing import explanations, payment_records
from theatre.billing.models import PaymentStatus
from theatre.billing.routes.staff import Reader, Wanted
from theatre.billing.schemas import ExplanationAnswer, StaffPaymentAnswer, StaffPaymentDetails
from theatre.kit.db import InTransaction, transaction
from theatre.kit.fields import Moment, Storable, Word
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)

Reference = Annotated[str, StringConstraints(min_length=1, max_length=128), Storable]


async def filter_of(
    status: PaymentStatus | None = None,
    user_id: UUID | None = None,
    provider: Annotated[Word | None, Query()] = None,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    reference: Annotated[
        Reference | None,
        Query(alias="q", description="id of payment, buyer or attempt, or the provider's reference"),
    ] = None,
) -> payment_records.PaymentFilter:
    """Read the filters of the list."""
    return payment_records.PaymentFilter(
        status=status, user_id=user_id, provider=provider, since=since, until=until, reference=reference
    )


@router.get(
    "/payments",
    response_model=PageAnswer[StaffPaymentAnswer],
    responses=IN_OPENAPI,
    summary="Payments of all users, newest first",
)
async def list_payments(
    staff: Reader, wanted: Wanted, filters: Annotated[payment_records.PaymentFilter, Depends(filter_of)]
) -> Response | PageAnswer[StaffPaymentAnswer]:
    return await wanted.give(staff, "payments", payment_records.find(filters), StaffPaymentAnswer.of)


@router.get(
    "/payments/{payment_id}",
    summary="A payment with its history, attempts, refunds, disputes, ledger entries and what its buyer was told",
)
async def get_payment(payment_id: UUID, staff: Reader) -> StaffPaymentDetails:
    async with transaction(staff.held.sessions) as session:
        record = await payment_records.get(session, payment_id)
        await staff.record(session, "payment.read", payment_id)
    attempts, deliveries = await asyncio.gather(
        payment_records.ask_attempts(staff.held.payment, record.attempt_ids),
        payment_records.ask_deliveries(staff.held.notification, payment_id),
    )
    return StaffPaymentDetails.of_record(record, attempts, deliveries)


@router.get("/payments/{payment_id}/explain", summary="Every amount of a payment, derived step by step")
async def explain_payment(payment_id: UUID, staff: Reader, session: InTransaction) -> ExplanationAnswer:
    steps = await explanations.explain(session, payment_id)
    await staff.record(session, "payment.explain", payment_id)
    return ExplanationAnswer.of(payment_id, steps)
