"""What the doors for staff ask of every request: who, by which right as of now; and how their acts are written down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import Depends, Request

from theatre.auth import permissions, rights
from theatre.auth.models import AuditRecord
from theatre.auth.resources import Resources, given_resources
from theatre.auth.tokens import Holder
from theatre.kit.access import Principal, having
from theatre.kit.audit import Act, Audit
from theatre.kit.db import InTransaction, Session
from theatre.kit.pagination import PageRequest, page_request

AUDIT = Audit(AuditRecord)


@dataclass(frozen=True)
class Staff:
    """A member of staff at a door: what they hold, and the transaction in which they act."""

    holder: Holder
    session: Session
    request: Request
    held: Resources

    @property
    def now(self) -> datetime:
        return self.held.now()

    async def record(
        self,
        action: str,
        subject_id: UUID | None,
        *,
        reason: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down, as the last thing of the transaction that does it, what this person did or looked at."""
        act = Act(
            actor_id=self.holder.user_id,
            action=action,
            subject_kind=action.partition(".")[0],
            subject_id=None if subject_id is None else str(subject_id),
            request_id=self.request.scope["request_id"],
            reason=reason,
            before=before,
            after=after,
        )
        await AUDIT.record(self.session, act, now=self.now)


def staff_with(permission: str) -> Callable[..., Any]:
    """Make the dependency that lets in staff with a permission: by their token, and by what they hold now."""

    async def staff_of(
        request: Request, session: InTransaction, user: Annotated[Principal, Depends(having(permission))]
    ) -> Staff:
        holder = await rights.get_live(session, user, permission)
        return Staff(holder, session, request, given_resources(request))

    return staff_of


Reader: TypeAlias = Annotated[Staff, Depends(staff_with(permissions.READ))]
Manager: TypeAlias = Annotated[Staff, Depends(staff_with(permissions.MANAGE))]
Paging: TypeAlias = Annotated[PageRequest, Depends(page_request)]
