"""Stripe's API as merchants call it: forms with brackets in, JSON out, always 200."""

from fastapi import APIRouter, Response

from theatre.sandbox import disputes
from theatre.sandbox.calls import InTransaction, JsonAnswer, MerchantRoute, OurResources, Reading
from theatre.sandbox.objects import Object
from theatre.sandbox.stripe import refunds, sessions, transactions
from theatre.sandbox.stripe.calls import AccountCall, CallingAccount, Form, Query, answered
from theatre.sandbox.stripe.schemas import (
    Opening,
    RefundFilter,
    RefundOrder,
    SessionFilter,
    SessionOrder,
    TransactionFilter,
    read_as,
)
from theatre.sandbox.stripe_disputes import DISPUTE, dispute_object
from theatre.sandbox.stripe_objects import (
    INTENT,
    REFUND,
    SESSION,
    below,
    intent_object,
    list_object,
    opened_by,
    read_id,
    refund_object,
    session_object,
    transaction_object,
)
from theatre.sandbox.translation import STRIPE_PREFIX

router = APIRouter(prefix=STRIPE_PREFIX, tags=["Stripe API"], route_class=MerchantRoute)


@router.post("/checkout/sessions", summary="Create a checkout session")
async def create_session(
    call: AccountCall, fields: Form, session: InTransaction, resources: OurResources
) -> Response:
    async def make() -> Object:
        order = read_as(SessionOrder, fields)
        world_now = resources.state.clock.world_now()
        payment = await sessions.create(session, order, call, world_now=world_now)
        return session_object(payment, resources.public_url, opened_by(order.expand))

    return await answered(session, call, make)


@router.get("/checkout/sessions", summary="List checkout sessions, newest first")
async def list_sessions(
    fields: Query, account: CallingAccount, session: Reading, resources: OurResources
) -> JsonAnswer:
    wanted = read_as(SessionFilter, fields)
    page = await sessions.list_sessions(session, account.id, wanted)
    opened = below("data", opened_by(wanted.expand))
    items = [session_object(payment, resources.public_url, opened) for payment in page.items]
    return JsonAnswer(list_object(items, "/v1/checkout/sessions", has_more=page.has_more))


@router.get("/checkout/sessions/{session_id}", summary="Read a checkout session")
async def read_session(
    session_id: str, fields: Query, account: CallingAccount, session: Reading, resources: OurResources
) -> JsonAnswer:
    opened = opened_by(read_as(Opening, fields).expand)
    payment = await sessions.get(session, account.id, read_id(session_id, SESSION))
    return JsonAnswer(session_object(payment, resources.public_url, opened))


@router.post("/checkout/sessions/{session_id}/expire", summary="Make a session's page worthless")
async def expire_session(
    session_id: str, call: AccountCall, fields: Form, session: InTransaction, resources: OurResources
) -> Response:
    async def make() -> Object:
        opened = opened_by(read_as(Opening, fields).expand)
        payment = await sessions.expire(session, read_id(session_id, SESSION), call)
        return session_object(payment, resources.public_url, opened)

    return await answered(session, call, make)


@router.get("/payment_intents/{intent_id}", summary="Read a payment intent")
async def read_intent(intent_id: str, fields: Query, account: CallingAccount, session: Reading) -> JsonAnswer:
    opened = opened_by(read_as(Opening, fields).expand)
    payment = await sessions.get(session, account.id, read_id(intent_id, INTENT))
    return JsonAnswer(intent_object(payment, opened))


@router.post("/refunds", summary="Give money back")
async def create_refund(
    call: AccountCall, fields: Form, session: InTransaction, resources: OurResources
) -> Response:
    async def make() -> Object:
        order = read_as(RefundOrder, fields)
        return refund_object(await refunds.create(session, order, call, delay=resources.delay))

    return await answered(session, call, make)


@router.get("/refunds", summary="List refunds, newest first")
async def list_refunds(fields: Query, account: CallingAccount, session: Reading) -> JsonAnswer:
    page = await refunds.list_refunds(session, account.id, read_as(RefundFilter, fields))
    items = [refund_object(refund) for refund in page.items]
    return JsonAnswer(list_object(items, "/v1/refunds", has_more=page.has_more))


@router.get("/refunds/{refund_id}", summary="Read a refund")
async def read_refund(refund_id: str, account: CallingAccount, session: Reading) -> JsonAnswer:
    return JsonAnswer(refund_object(await refunds.get(session, account.id, read_id(refund_id, REFUND))))


@router.get("/disputes/{dispute_id}", summary="Read a dispute")
async def read_dispute(
    dispute_id: str, fields: Query, account: CallingAccount, session: Reading
) -> JsonAnswer:
    opened = opened_by(read_as(Opening, fields).expand)
    dispute, payment = await disputes.get(session, account.id, read_id(dispute_id, DISPUTE))
    return JsonAnswer(dispute_object(dispute, payment, opened))


@router.get("/balance_transactions", summary="List what moved the balance, newest first")
async def list_transactions(fields: Query, account: CallingAccount, session: Reading) -> JsonAnswer:
    wanted = read_as(TransactionFilter, fields)
    page = await transactions.list_transactions(session, account.id, wanted)
    opened = below("data", opened_by(wanted.expand))
    items = [transaction_object(moved, opened) for moved in page.items]
    return JsonAnswer(list_object(items, "/v1/balance_transactions", has_more=page.has_more))
