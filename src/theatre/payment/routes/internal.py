"""Doors for our own services: billing begins attempts and refunds here."""

from uuid import UUID

from fastapi import APIRouter, Request

from theatre.contracts.payment import PREFIX, Attempt, ReceiptState, RefundState
from theatre.kit.access import CallingService
from theatre.kit.routing import StrictRoute
from theatre.payment import attempts, receipts, refunds
from theatre.payment.schemas import AttemptBody, ReceiptBody, RefundBody

router = APIRouter(prefix=PREFIX, tags=["internal"], route_class=StrictRoute)


@router.post("/attempts", summary="Begin an attempt, or go on with the one of this id")
async def start(request: Request, asked: AttemptBody, _: CallingService) -> Attempt:
    resources = request.app.state.resources
    return await attempts.start(resources.sessions, asked, outside=resources.outside)


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


@router.post("/receipts", summary="Register a fiscal receipt, or tell how the one of this id stands")
async def register_receipt(request: Request, asked: ReceiptBody, _: CallingService) -> ReceiptState:
    resources = request.app.state.resources
    return await receipts.register(resources.sessions, asked, outside=resources.outside)
