"""What the doors for staff ask of every request: who, by which right; and how what they do is written down."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from theatre.kit.access import Principal, having
from theatre.kit.audit import Act, Audit
from theatre.kit.db import InTransaction, Session, transact
from theatre.kit.idempotency import HEADER, Once, fingerprint_of, key_of, to_bytes
from theatre.kit.listing import read_page
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.notification.models import AuditRecord, IdempotencyKey
from theatre.notification.resources import Resources
from theatre.notification.routes.doors import PUBLIC, PageWanted
from theatre.notification.staff_schemas import AuditAnswer

router = APIRouter(prefix=PUBLIC, tags=["notification: staff"], route_class=StrictRoute)

AUDIT = Audit(AuditRecord)


@dataclass(frozen=True)
class Editor:
    """A member of staff at a door, with what we hold."""

    id: UUID
    request: Request
    held: Resources

    @property
    def now(self) -> datetime:
        return self.held.clock.now()

    async def make(self, verb: Callable[[Session], Awaitable[BaseModel]]) -> Response:
        """Make something in a transaction, and give its answer; under an `Idempotency-Key`, if there is one, once."""
        if HEADER not in self.request.headers:
            made = await transact(self.held.sessions, verb)
            return Response(to_bytes(made), HTTPStatus.CREATED, media_type="application/json")
        once = Once(
            request=self.request,
            sessions=self.held.sessions,
            table=IdempotencyKey,
            flights=self.held.flights,
            clock=self.held.clock,
            user_id=self.id,
            key=key_of(self.request),
            fingerprint=await fingerprint_of(self.request),
        )
        return await once.run(verb, answer=lambda made: made)

    async def record(
        self,
        session: Session,
        action: str,
        subject_id: UUID | str | None,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down, as the last thing of the transaction that does it, what this person did."""
        kind, subject = action.partition(".")[0], None if subject_id is None else str(subject_id)
        act = Act(
            self.id, action, kind, subject, self.request.scope["request_id"], before=before, after=after
        )
        await AUDIT.record(session, act, now=self.now)


async def editor_of(
    request: Request, user: Annotated[Principal, Depends(having("notification.manage"))]
) -> Editor:
    """Let in staff who keep what people are told."""
    if user.user_id is None:
        raise AssertionError("`having` lets only users in")
    return Editor(user.user_id, request, request.app.state.resources)


Staff: TypeAlias = Annotated[Editor, Depends(editor_of)]


@router.get("/audit", summary="What staff did, newest first")
async def list_acts(
    _: Staff, session: InTransaction, page: PageWanted, subject_id: str | None = None
) -> PageAnswer[AuditAnswer]:
    found = await read_page(session, AUDIT.find(subject_id=subject_id), page)
    return PageAnswer(items=[AuditAnswer.of(act) for act in found.items], next_cursor=found.next_cursor)
