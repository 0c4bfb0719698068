"""Doors of the audit of auth."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from theatre.auth.routes.staff import AUDIT, Manager, Paging
from theatre.auth.staff_schemas import AuditAnswer, ChainAnswer
from theatre.contracts.auth import PUBLIC
from theatre.kit.fields import Word
from theatre.kit.listing import read_page
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix=f"{PUBLIC}/audit", tags=["staff: audit"], route_class=StrictRoute)


@router.get(
    "", summary="What staff did here and looked at, the newest first", description="Needs `auth.manage`."
)
async def list_acts(
    by: Manager,
    page: Paging,
    actor_id: UUID | None = None,
    subject_kind: Annotated[Word | None, Query()] = None,
    subject_id: UUID | None = None,
) -> PageAnswer[AuditAnswer]:
    subject = None if subject_id is None else str(subject_id)
    listing = AUDIT.find(actor_id=actor_id, subject_kind=subject_kind, subject_id=subject)
    found = await read_page(by.session, listing, page)
    items = [AuditAnswer.model_validate(act) for act in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.get(
    "/verify",
    summary="Recompute the chain of records; name the first that does not hold",
    description="Needs `auth.manage`.",
)
async def verify_audit(by: Manager) -> ChainAnswer:
    return ChainAnswer.model_validate(await AUDIT.verify(by.session))
