"""Payments of all users: found by filters, read whole."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, StringConstraints

from theatre.billing import explanations, payment_records, payment_search
from theatre.billing.errors import AmountMalformed, AmountWithoutCurrency
from theatre.billing.models import PaymentStatus
from theatre.billing.payment_records import PaymentFilter
from theatre.billing.payment_search import Matches
from theatre.billing.routes.staff import Reader, Staff, Wanted
from theatre.billing.schemas import ExplanationAnswer, StaffPaymentAnswer, StaffPaymentDetails
from theatre.kit.db import InTransaction, transaction
from theatre.kit.fields import Currency, Moment, Storable, Word, one_line
from theatre.kit.money import MoneyError, from_decimal
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)

Reference = Annotated[
    str,
    StringConstraints(min_length=1, max_length=254, strip_whitespace=True),
    Storable,
    AfterValidator(one_line),
]
Amount = Annotated[
    str,
    Query(max_length=24, description="of the total, with the currency's digits; goes with `currency`"),
]


async def filter_of(
    staff: Reader,
    status: PaymentStatus | None = None,
    user_id: UUID | None = None,
    provider: Annotated[Word | None, Query()] = None,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    currency: Annotated[Currency | None, Query()] = None,
    amount_from: Amount | None = None,
    amount_to: Amount | None = None,
    has_refund: Annotated[bool | None, Query(description="money of it was given back")] = None,
    word: Annotated[
        Reference | None,
        Query(
            alias="q",
            description="id of a payment, attempt, refund, dispute or user, the provider's reference, number of a "
            "receipt, promo code, login or e-mail address",
        ),
    ] = None,
) -> PaymentFilter:
    """Read the filters of the list.

    Raises:
        AmountWithoutCurrency, AmountMalformed, CustomersUnknown
    """
    return PaymentFilter(
        status=status,
        user_id=user_id,
        provider=provider,
        since=since,
        until=until,
        currency=currency,
        from_minor=_minor(amount_from, currency),
        to_minor=_minor(amount_to, currency),
        has_refund=has_refund,
        matches=None if word is None else await _meaning(staff, word),
    )


async def _meaning(staff: Staff, word: str) -> Matches:
    held = staff.held
    return await payment_search.resolve(held.sessions, word, auth=held.auth, payment=held.payment)


def _minor(amount: str | None, currency: str | None) -> int | None:
    if amount is None:
        return None
    if currency is None:
        raise AmountWithoutCurrency
    try:
        return from_decimal(amount, currency).amount_minor
    except MoneyError as error:
        raise AmountMalformed(f"The amount {error}.") from error


@router.get(
    "/payments",
    response_model=PageAnswer[StaffPaymentAnswer],
    responses=IN_OPENAPI,
    summary="Payments of all users, newest first",
)
async def list_payments(
    staff: Reader, wanted: Wanted, filters: Annotated[PaymentFilter, Depends(filter_of)]
) -> Response | PageAnswer[StaffPaymentAnswer]:
    return await wanted.give(staff, "payments", payment_records.find(filters), StaffPaymentAnswer.of)


@router.get(
    "/payments/{payment_id}",
    summary="A payment whole: history, attempts, callbacks, refunds, disputes, ledger, receipts, deliveries",
)
async def get_payment(payment_id: UUID, staff: Reader) -> StaffPaymentDetails:
    async with transaction(staff.held.sessions) as session:
        record = await payment_records.get(session, payment_id)
        await staff.record(session, "payment.read", payment_id)
    attempts, events, deliveries = await asyncio.gather(
        payment_records.ask_attempts(staff.held.payment, record.attempt_ids),
        payment_records.ask_events(staff.held.payment, payment_id),
        payment_records.ask_deliveries(staff.held.notification, payment_id),
    )
    return StaffPaymentDetails.of_record(record, attempts, events=events, deliveries=deliveries)


@router.get("/payments/{payment_id}/explain", summary="Every amount of a payment, derived step by step")
async def explain_payment(payment_id: UUID, staff: Reader, session: InTransaction) -> ExplanationAnswer:
    steps = await explanations.explain(session, payment_id)
    await staff.record(session, "payment.explain", payment_id)
    return ExplanationAnswer.of(payment_id, steps)
