"""Deliveries for staff: how each went, and trying one again."""

from uuid import UUID

from fastapi import APIRouter

from theatre.kit.db import InTransaction
from theatre.kit.listing import read_page
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.notification import delivery_records
from theatre.notification.delivery_records import Filter
from theatre.notification.kinds import Kind
from theatre.notification.models import ChannelName, DeliveryStatus
from theatre.notification.routes.doors import PUBLIC, PageWanted
from theatre.notification.routes.staff import Staff
from theatre.notification.staff_schemas import DeliveryAnswer

router = APIRouter(prefix=f"{PUBLIC}/deliveries", tags=["notification: staff"], route_class=StrictRoute)


@router.get("", summary="How each delivery went, newest first; `status=dead` are those that need a person")
async def list_deliveries(
    _: Staff,
    session: InTransaction,
    page: PageWanted,
    status: DeliveryStatus | None = None,
    channel: ChannelName | None = None,
    kind: Kind | None = None,
    user_id: UUID | None = None,
) -> PageAnswer[DeliveryAnswer]:
    wanted = Filter(status=status, channel=channel, kind=kind, user_id=user_id)
    found = await read_page(session, delivery_records.find(wanted), page)
    return PageAnswer(items=[DeliveryAnswer.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.get("/{delivery_id}", summary="How one delivery went")
async def get_delivery(delivery_id: UUID, _: Staff, session: InTransaction) -> DeliveryAnswer:
    return DeliveryAnswer.of(await delivery_records.get(session, delivery_id))


@router.post("/{delivery_id}/retry", summary="Try a delivery again that failed or is dead")
async def retry_delivery(delivery_id: UUID, staff: Staff, session: InTransaction) -> DeliveryAnswer:
    delivery = await delivery_records.retry(session, delivery_id, now=staff.now)
    await staff.record(session, "delivery.retry", delivery_id, after={"reason": delivery.last_error})
    return DeliveryAnswer.of(delivery)
