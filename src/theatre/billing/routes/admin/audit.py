"""What staff did and looked at, and the proof that nobody has changed the record of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from theatre.billing import audit
from theatre.billing.routes.staff import Manager, Wanted
from theatre.billing.schemas import AuditAnswer, ChainAnswer
from theatre.kit.db import transaction
from theatre.kit.fields import Moment, Word
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)


@router.get(
    "/audit",
    response_model=PageAnswer[AuditAnswer],
    responses=IN_OPENAPI,
    summary="What staff did and looked at, newest first",
)
async def list_audit(
    staff: Manager,
    wanted: Wanted,
    actor_id: UUID | None = None,
    subject_kind: Annotated[Word | None, Query()] = None,
    subject_id: Annotated[Word | None, Query()] = None,
    action: Annotated[Word | None, Query(description="`noun.verb`, like `refund.approve`")] = None,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
) -> Response | PageAnswer[AuditAnswer]:
    listing = audit.find(
        actor_id=actor_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        action=action,
        since=since,
        until=until,
    )
    return await wanted.give(staff, "audit", listing, AuditAnswer.of)


@router.get("/audit/verify", summary="Recompute the chain of records; name the first that does not hold")
async def verify_audit(staff: Manager) -> ChainAnswer:
    async with transaction(staff.held.exports) as session:
        return ChainAnswer.model_validate(await audit.verify(session))
