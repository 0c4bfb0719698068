"""One customer at a glance, and plans of all of them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from theatre.billing import customers, subscriptions
from theatre.billing.models import SubscriptionStatus
from theatre.billing.routes.staff import Reader, Wanted
from theatre.billing.schemas import StaffSubscriptionAnswer, SummaryAnswer
from theatre.kit.db import InTransaction
from theatre.kit.fields import Moment
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)


@router.get("/users/{user_id}/summary", summary="What a customer bought, paid, got back and may watch")
async def summarize(user_id: UUID, staff: Reader, session: InTransaction) -> SummaryAnswer:
    summary = await customers.summarize(session, user_id, now=staff.now)
    await staff.record(session, "user.read", user_id)
    return SummaryAnswer.of(summary)


@router.get(
    "/subscriptions",
    response_model=PageAnswer[StaffSubscriptionAnswer],
    responses=IN_OPENAPI,
    summary="Plans of all users, newest first",
)
async def list_subscriptions(
    staff: Reader,
    wanted: Wanted,
    status: SubscriptionStatus | None = None,
    user_id: UUID | None = None,
    product_id: UUID | None = None,
    ending_before: Annotated[
        Moment | None,
        Query(description="those that run and are paid until before then, the next to end first"),
    ] = None,
) -> Response | PageAnswer[StaffSubscriptionAnswer]:
    listing = subscriptions.find(
        status=status, user_id=user_id, product_id=product_id, ending_before=ending_before
    )
    return await wanted.give(staff, "subscriptions", listing, StaffSubscriptionAnswer.of)
