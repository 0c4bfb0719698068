"""Doors for our own services: billing begins attempts and refunds here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from theatre.contracts.payment import (
    PREFIX,
    Attempt,
    ListingProviders,
    OperationPage,
    ReceiptState,
    RefundState,
    SettledOperation,
)
from theatre.contracts.payment_records import ListingEvents, OutcomeQuestion, Outcomes, Referred
from theatre.kit.access import CallingService
from theatre.kit.db import InTransaction
from theatre.kit.fields import Moment, Storable
from theatre.kit.routing import StrictRoute
from theatre.payment import attempts, operations, receipts, records, refunds
from theatre.payment.schemas import AttemptBody, ChargeBody, OperationBody, ReceiptBody, RefundBody

router = APIRouter(prefix=PREFIX, tags=["internal"], route_class=StrictRoute)


@router.post("/attempts", summary="Begin an attempt, or go on with the one of this id")
async def start(request: Request, asked: AttemptBody, _: CallingService) -> Attempt:
    resources = request.app.state.resources
    return await attempts.start(resources.sessions, asked, outside=resources.outside)


@router.post("/charges", summary="Charge a saved method, or go on with the charge of this id")
async def charge(request: Request, asked: ChargeBody, _: CallingService) -> Attempt:
    resources = request.app.state.resources
    return await attempts.charge(resources.sessions, asked, outside=resources.outside)


@router.get("/attempts/{attempt_id}", summary="How an attempt stands; an open one is asked about")
async def read(request: Request, attempt_id: UUID, _: CallingService) -> Attempt:
    resources = request.app.state.resources
    return await attempts.read(resources.sessions, attempt_id, outside=resources.outside)


@router.post("/attempts/{attempt_id}/cancel", summary="Make an attempt's link worthless where that can be")
async def cancel(request: Request, attempt_id: UUID, _: CallingService) -> Attempt:
    resources = request.app.state.resources
    return await attempts.cancel(resources.sessions, attempt_id, outside=resources.outside)


@router.post(
    "/attempts/{attempt_id}/refunds", summary="Give money back, or tell how the refund of this id stands"
)
async def refund(request: Request, attempt_id: UUID, asked: RefundBody, _: CallingService) -> RefundState:
    resources = request.app.state.resources
    return await refunds.start(resources.sessions, attempt_id, asked, outside=resources.outside)


@router.get("/providers", summary="Payment systems that can list what they did")
async def list_providers(request: Request, _: CallingService) -> ListingProviders:
    return ListingProviders(items=list(request.app.state.resources.outside.statements))


@router.get("/providers/{provider}/operations", summary="What a payment system took and gave back in a time")
async def list_operations(
    request: Request,
    provider: str,
    since: Moment,
    until: Moment,
    _: CallingService,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> OperationPage:
    resources = request.app.state.resources
    period = operations.period_of(since, until)
    return await operations.list_page(
        resources.sessions, provider, period, cursor=cursor, outside=resources.outside
    )


@router.post(
    "/providers/{provider}/operations",
    summary="Read one operation again from the payment system, and bring ours to what it says",
)
async def settle_operation(
    request: Request, provider: str, asked: OperationBody, _: CallingService
) -> SettledOperation:
    resources = request.app.state.resources
    return await operations.settle(resources.sessions, provider, asked, outside=resources.outside)


@router.get("/payments", summary="Payments about which a payment system has something of this name")
async def find_payments(
    request: Request,
    reference: Annotated[str, Query(min_length=1, max_length=255), Storable],
    session: InTransaction,
    _: CallingService,
) -> Referred:
    providers = list(request.app.state.resources.outside.providers)
    return Referred(payment_ids=list(await records.find_payments(session, reference, providers)))


@router.get("/payments/{payment_id}/events", summary="Callbacks about a payment, oldest first")
async def list_events(payment_id: UUID, session: InTransaction, _: CallingService) -> ListingEvents:
    return ListingEvents(items=await records.list_events(session, payment_id))


@router.post("/attempts/outcomes", summary="How attempts came out that were begun between moments")
async def count_outcomes(asked: OutcomeQuestion, session: InTransaction, _: CallingService) -> Outcomes:
    return Outcomes(items=await records.count_outcomes(session, sorted(asked.moments)))


@router.post("/receipts", summary="Register a fiscal receipt, or tell how the one of this id stands")
async def register_receipt(request: Request, asked: ReceiptBody, _: CallingService) -> ReceiptState:
    resources = request.app.state.resources
    return await receipts.register(resources.sessions, asked, outside=resources.outside)
