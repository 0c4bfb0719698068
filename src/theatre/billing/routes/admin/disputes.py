"""Disputes: what payers' banks want back."""

from uuid import UUID

from fastapi import APIRouter, Response

from theatre.billing import disputes
from theatre.billing.routes.staff import Reader, Wanted
from theatre.billing.schemas import DisputeAnswer
from theatre.contracts.payment_disputes import (
    DisputeStatus,
)
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)


@router.get(
    "/disputes",
    response_model=PageAnswer[DisputeAnswer],
    responses=IN_OPENAPI,
    summary="What payers' banks want back, newest first",
)
async def list_disputes(
    staff: Reader, wanted: Wanted, status: DisputeStatus | None = None, payment_id: UUID | None = None
) -> Response | PageAnswer[DisputeAnswer]:
    found = disputes.find(status=status, payment_id=payment_id)
    return await wanted.give(staff, "disputes", found, DisputeAnswer.of)
