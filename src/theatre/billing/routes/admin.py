"""Billing's doors for staff: find payments, read one whole, give money back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from theatre.billing import explanations, ledger, payment_records, payments, refunds
from theatre.billing.models import Payment, PaymentStatus, RefundSource
from theatre.billing.routes.doors import Money
from theatre.billing.schemas import (
    EntryAnswer,
    ExplanationAnswer,
    RefundAnswer,
    RefundCreate,
    StaffPaymentAnswer,
    StaffPaymentDetails,
    TransitionAnswer,
    payment_fields,
)
from theatre.kit.access import Principal, having
from theatre.kit.db import InTransaction, Session
from theatre.kit.fields import Moment, Word
from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)

Reader = Annotated[Principal, Depends(having("billing.read"))]
Refunder = Annotated[Principal, Depends(having("billing.refund"))]
PageWanted = Annotated[PageRequest, Depends(page_request)]


async def filter_of(
    status: PaymentStatus | None = None,
    user_id: UUID | None = None,
    provider: Annotated[Word | None, Query()] = None,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    reference: Annotated[UUID | None, Query(alias="q", description="id of payment, buyer or attempt")] = None,
) -> payment_records.PaymentFilter:
    """Read the filters of the list."""
    return payment_records.PaymentFilter(
        status=status, user_id=user_id, provider=provider, since=since, until=until, reference=reference
    )


@router.get("/payments", summary="Payments of all users, newest first")
async def list_payments(
    _: Reader,
    session: InTransaction,
    page: PageWanted,
    wanted: Annotated[payment_records.PaymentFilter, Depends(filter_of)],
) -> PageAnswer[StaffPaymentAnswer]:
    found = await payment_records.list_all(session, wanted, page)
    items = [StaffPaymentAnswer.of(payment) for payment in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.get("/payments/{payment_id}", summary="A payment with its history, refunds and ledger entries")
async def get_payment(payment_id: UUID, _: Reader, session: InTransaction) -> StaffPaymentDetails:
    return await details_of(session, await payments.get(session, payment_id))


@router.get("/payments/{payment_id}/explain", summary="Every amount of a payment, derived step by step")
async def explain_payment(payment_id: UUID, _: Reader, session: InTransaction) -> ExplanationAnswer:
    return ExplanationAnswer.of(payment_id, await explanations.explain(session, payment_id))


async def details_of(session: Session, payment: Payment) -> StaffPaymentDetails:
    """Gather all that is known of a payment."""
    history = await payment_records.list_transitions(session, payment.id)
    given_back = await refunds.list_of(session, payment.id)
    entries = await ledger.list_entries(session, payment.id)
    return StaffPaymentDetails(
        **payment_fields(payment),
        user_id=payment.user_id,
        open_attempt_id=payment.open_attempt_id,
        paid_attempt_id=payment.paid_attempt_id,
        history=[TransitionAnswer.model_validate(change) for change in history],
        refunds=[RefundAnswer.of(refund) for refund in given_back],
        ledger=[EntryAnswer.of(entry) for entry in entries],
    )


@router.post(
    "/payments/{payment_id}/refunds", status_code=201, response_model=RefundAnswer, summary="Give money back"
)
async def create_refund(payment_id: UUID, body: RefundCreate, _: Refunder, asked: Money) -> Response:
    amount = body.amount.to_money() if body.amount else None
    claim = refunds.Claim(RefundSource.STAFF, asked.user_id, body.reason, amount)
    held = asked.held
    return await asked.once.run(
        lambda session: refunds.request(
            session, payment_id, claim, settings=held.settings, now=held.clock.now()
        ),
        answer=RefundAnswer.of,
    )
