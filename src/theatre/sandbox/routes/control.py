"""The tester's control panel: notifications, clock, faults, shops, and what money really moved."""

from datetime import date, timedelta
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response, StreamingResponse

from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute
from theatre.sandbox import (
    clocks,
    disputes,
    faults,
    notifications,
    operations,
    payment_methods,
    registers,
    shops,
    terms,
)
from theatre.sandbox.calls import InTransaction, OurResources, Reading, refreshed
from theatre.sandbox.control_schemas import (
    ClockAnswer,
    ClockStep,
    DisputeAnswer,
    DisputeOrder,
    FaultAnswer,
    FaultOrder,
    FaultsAnswer,
    NotificationAnswer,
    OperationAnswer,
    ShopAnswer,
    ShopChange,
    ShopsAnswer,
)
from theatre.sandbox.operations import OperationFilter
from theatre.sandbox.resources import Resources

router = APIRouter(
    prefix="/sandbox/control/v1", tags=["control"], route_class=StrictRoute, dependencies=[Depends(refreshed)]
)
Paging = Annotated[PageRequest, Depends(page_request)]
Day = Annotated[date, Query(ge=date(2000, 1, 1), le=date(2999, 12, 31))]
ShopId = Annotated[str, Path(pattern=r"^([0-9]{1,18}|acct_[0-9A-Za-z]{1,40})$")]


@router.get("/notifications", summary="List notifications, newest first")
async def list_notifications(
    session: Reading, page: Paging, payment_id: UUID | None = None
) -> PageAnswer[NotificationAnswer]:
    found = await notifications.list_page(session, page, payment_id=payment_id)
    return PageAnswer(
        items=[NotificationAnswer.of(row) for row in found.items], next_cursor=found.next_cursor
    )


@router.post("/notifications/{notification_id}/redeliver", summary="Send a notification again")
async def redeliver(
    notification_id: UUID, session: InTransaction, resources: OurResources
) -> NotificationAnswer:
    now = resources.state.clock.now()
    return NotificationAnswer.of(await notifications.redeliver(session, notification_id, now=now))


@router.get("/clock", summary="Tell the sandbox's time")
async def read_clock(resources: OurResources) -> ClockAnswer:
    return clock_answer(resources)


@router.post("/clock", summary="Move the clock forward; what becomes due is done before the answer")
async def advance_clock(step: ClockStep, resources: OurResources) -> ClockAnswer:
    await clocks.advance(resources.sessions, resources.state, timedelta(seconds=step.advance_seconds))
    await terms.settle_due(resources.sessions, resources.statements, resources.state)
    resources.sender.wake()
    return clock_answer(resources)


@router.get("/faults", summary="List the faults that are on")
async def list_faults(session: Reading) -> FaultsAnswer:
    return FaultsAnswer(items=[FaultAnswer.model_validate(fault) for fault in await faults.list_all(session)])


@router.post("/faults", status_code=HTTPStatus.CREATED, summary="Switch a fault on")
async def switch_fault_on(order: FaultOrder, session: InTransaction) -> FaultAnswer:
    fault = await faults.switch_on(
        session, order.kind, method=order.method, path=order.path, count=order.count, delay_ms=order.delay_ms
    )
    return FaultAnswer.model_validate(fault)


@router.delete("/faults", status_code=HTTPStatus.NO_CONTENT, summary="Switch all faults off")
async def switch_faults_off(session: InTransaction) -> None:
    await faults.switch_off(session)


@router.delete("/faults/{fault_id}", status_code=HTTPStatus.NO_CONTENT, summary="Switch one fault off")
async def switch_fault_off(fault_id: UUID, session: InTransaction) -> None:
    await faults.switch_off(session, fault_id)


@router.get("/operations", summary="List captures and refunds that happened, the oldest first")
async def list_operations(
    session: Reading, page: Paging, payment_id: UUID | None = None
) -> PageAnswer[OperationAnswer]:
    found = await operations.list_page(session, page, OperationFilter(payment_id=payment_id))
    return PageAnswer(items=[OperationAnswer.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.get(
    "/shops/{shop_id}/register",
    response_class=StreamingResponse,
    summary="Write the register of a shop's day in Moscow, as CSV",
)
async def write_register(shop_id: ShopId, day: Day, resources: OurResources) -> Response:
    lines = registers.write(resources.sessions, shop_id, day)
    name = f'attachment; filename="register-{shop_id}-{day}.csv"'
    return StreamingResponse(lines, media_type="text/csv", headers={"Content-Disposition": name})


@router.get("/shops", summary="List shops")
async def list_shops(session: Reading) -> ShopsAnswer:
    return ShopsAnswer(items=[ShopAnswer.of(shop) for shop in await shops.list_all(session)])


@router.put("/shops/{shop_id}", summary="Make a shop or change it")
async def change_shop(shop_id: ShopId, change: ShopChange, session: InTransaction) -> ShopAnswer:
    return ShopAnswer.of(await shops.change(session, shop_id, change))


@router.post(
    "/payment_methods/{method_id}/revoke",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Have the payer take back the permission to charge",
)
async def revoke_method(method_id: UUID, session: InTransaction) -> None:
    await payment_methods.revoke(session, method_id)


@router.post(
    "/payments/{payment_id}/disputes",
    status_code=HTTPStatus.CREATED,
    summary="Have the payer's bank dispute a payment at Stripe's face, or only ask about it",
)
async def open_dispute(
    payment_id: UUID, order: DisputeOrder, session: InTransaction, resources: OurResources
) -> DisputeAnswer:
    dispute = await disputes.open_by_tester(
        session,
        payment_id,
        amount_minor=order.amount_minor,
        is_inquiry=order.is_inquiry,
        now=resources.state.clock.now(),
    )
    return DisputeAnswer.of(dispute)


@router.post("/disputes/{dispute_id}/win", summary="Let the shop win a dispute")
async def win_dispute(dispute_id: UUID, session: InTransaction, resources: OurResources) -> DisputeAnswer:
    return DisputeAnswer.of(await disputes.win(session, dispute_id, now=resources.state.clock.now()))


@router.post("/disputes/{dispute_id}/lose", summary="Let the payer win a dispute")
async def lose_dispute(dispute_id: UUID, session: InTransaction, resources: OurResources) -> DisputeAnswer:
    return DisputeAnswer.of(await disputes.lose(session, dispute_id, now=resources.state.clock.now()))


def clock_answer(resources: Resources) -> ClockAnswer:
    """Tell the sandbox's time."""
    clock = resources.state.clock
    return ClockAnswer(now=clock.now(), offset_seconds=clock.offset.total_seconds())
