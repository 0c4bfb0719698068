"""What the doors for staff ask of every request: who, by which right; and how what they do is written down."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends

from theatre.kit.audit import Audit
from theatre.kit.db import InTransaction
from theatre.kit.editors import Editor, Tables, editor_having
from theatre.kit.listing import read_page
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.notification.models import AuditRecord, IdempotencyKey
from theatre.notification.resources import Resources
from theatre.notification.routes.doors import PUBLIC, PageWanted
from theatre.notification.staff_schemas import AuditAnswer

router = APIRouter(prefix=PUBLIC, tags=["notification: staff"], route_class=StrictRoute)

AUDIT = Audit(AuditRecord)


Staff: TypeAlias = Annotated[
    Editor[Resources], Depends(editor_having("notification.manage", Tables(AUDIT, IdempotencyKey)))
]


@router.get("/audit", summary="What staff did, newest first")
async def list_acts(
    _: Staff, session: InTransaction, page: PageWanted, subject_id: str | None = None
) -> PageAnswer[AuditAnswer]:
    found = await read_page(session, AUDIT.find(subject_id=subject_id), page)
    return PageAnswer(items=[AuditAnswer.of(act) for act in found.items], next_cursor=found.next_cursor)
