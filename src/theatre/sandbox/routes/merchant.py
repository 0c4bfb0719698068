"""YooKassa's API v3 as merchants call it. Every success is a 200 with a JSON object."""

from typing import Annotated

from fastapi import APIRouter, Query

from theatre.sandbox import payments, receipts, refunds, webhooks
from theatre.sandbox.calls import (
    CallingApplication,
    CallingShop,
    InTransaction,
    JsonAnswer,
    MerchantRoute,
    OurResources,
    Reading,
    WritingCall,
    announce_committed,
)
from theatre.sandbox.object_ids import read_id
from theatre.sandbox.objects import (
    list_object,
    me_object,
    payment_object,
    receipt_object,
    refund_object,
    webhook_object,
)
from theatre.sandbox.schemas import (
    CaptureOrder,
    PaymentFilter,
    PaymentOrder,
    ReceiptFilter,
    ReceiptOrder,
    RefundFilter,
    RefundOrder,
    WebhookOrder,
)
from theatre.sandbox.translation import PREFIX

router = APIRouter(prefix=PREFIX, tags=["YooKassa API v3"], route_class=MerchantRoute)


@router.post("/payments", summary="Create a payment")
async def create_payment(order: PaymentOrder, call: WritingCall, resources: OurResources) -> JsonAnswer:
    if order.payment_method_id is None:
        async with resources.statements() as session:
            payment = await payments.create(session, order, call)
    else:
        async with resources.sessions.begin() as session:
            payment = await payments.charge(session, order, order.payment_method_id, call=call)
        announce_committed(session, resources)
    return JsonAnswer(payment_object(payment, resources.public_url))


@router.get("/payments", summary="List payments, newest first")
async def list_payments(
    wanted: Annotated[PaymentFilter, Query()],
    shop: CallingShop,
    session: Reading,
    resources: OurResources,
) -> JsonAnswer:
    page = await payments.list_page(session, shop.id, wanted)
    return JsonAnswer(
        list_object(
            [payment_object(payment, resources.public_url) for payment in page.items], page.next_cursor
        )
    )


@router.get("/payments/{payment_id}", summary="Read a payment")
async def read_payment(
    payment_id: str, shop: CallingShop, session: Reading, resources: OurResources
) -> JsonAnswer:
    payment = await payments.get(session, shop.id, read_id(payment_id))
    return JsonAnswer(payment_object(payment, resources.public_url))


@router.post("/payments/{payment_id}/capture", summary="Take held money")
async def capture_payment(
    payment_id: str,
    call: WritingCall,
    session: InTransaction,
    resources: OurResources,
    order: CaptureOrder | None = None,
) -> JsonAnswer:
    payment = await payments.capture(session, read_id(payment_id), order or CaptureOrder(), call=call)
    return JsonAnswer(payment_object(payment, resources.public_url))


@router.post("/payments/{payment_id}/cancel", summary="Give up held money")
async def cancel_payment(
    payment_id: str, call: WritingCall, session: InTransaction, resources: OurResources
) -> JsonAnswer:
    payment = await payments.cancel(session, read_id(payment_id), call)
    return JsonAnswer(payment_object(payment, resources.public_url))


@router.post("/refunds", summary="Give money back")
async def create_refund(
    order: RefundOrder, call: WritingCall, session: InTransaction, resources: OurResources
) -> JsonAnswer:
    return JsonAnswer(refund_object(await refunds.create(session, order, call, delay=resources.delay)))


@router.get("/refunds", summary="List refunds, newest first")
async def list_refunds(
    wanted: Annotated[RefundFilter, Query()], shop: CallingShop, session: Reading
) -> JsonAnswer:
    page = await refunds.list_page(session, shop.id, wanted)
    return JsonAnswer(list_object([refund_object(refund) for refund in page.items], page.next_cursor))


@router.get("/refunds/{refund_id}", summary="Read a refund")
async def read_refund(refund_id: str, shop: CallingShop, session: Reading) -> JsonAnswer:
    return JsonAnswer(refund_object(await refunds.get(session, shop.id, read_id(refund_id))))


@router.post("/receipts", summary="Register a receipt")
async def create_receipt(order: ReceiptOrder, call: WritingCall, session: InTransaction) -> JsonAnswer:
    return JsonAnswer(receipt_object(await receipts.create(session, order, call)))


@router.get("/receipts", summary="List receipts, newest first")
async def list_receipts(
    wanted: Annotated[ReceiptFilter, Query()], shop: CallingShop, session: Reading
) -> JsonAnswer:
    page = await receipts.list_page(session, shop.id, wanted)
    return JsonAnswer(list_object([receipt_object(receipt) for receipt in page.items], page.next_cursor))


@router.get("/receipts/{receipt_id}", summary="Read a receipt")
async def read_receipt(receipt_id: str, shop: CallingShop, session: Reading) -> JsonAnswer:
    return JsonAnswer(receipt_object(await receipts.get(session, shop.id, receipt_id)))


@router.get("/me", summary="Read the shop's settings")
async def read_me(shop: CallingShop) -> JsonAnswer:
    return JsonAnswer(me_object(shop))


@router.post("/webhooks", summary="Have an address told of one kind of event (OAuth only)")
async def create_webhook(
    order: WebhookOrder, _: CallingApplication, call: WritingCall, session: InTransaction
) -> JsonAnswer:
    return JsonAnswer(webhook_object(await webhooks.create(session, order, call)))


@router.get("/webhooks", summary="List webhooks (OAuth only)")
async def list_webhooks(shop: CallingApplication, session: Reading) -> JsonAnswer:
    found = await webhooks.list_all(session, shop.id)
    return JsonAnswer(list_object([webhook_object(webhook) for webhook in found], None))


@router.delete("/webhooks/{webhook_id}", summary="Remove a webhook (OAuth only)")
async def remove_webhook(webhook_id: str, shop: CallingApplication, session: InTransaction) -> JsonAnswer:
    await webhooks.remove(session, shop.id, webhook_id)
    return JsonAnswer({})
