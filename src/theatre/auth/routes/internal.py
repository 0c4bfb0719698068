"""Doors for our own services."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from theatre.auth import notices, user_sessions, users
from theatre.auth.resources import Given
from theatre.contracts.auth import (
    INTERNAL,
    Contact,
    CountAnswer,
    FoundUsers,
    NoticeAnswer,
    Reader,
    ReadersAnswer,
    RevocationsAnswer,
)
from theatre.kit.access import CallingService
from theatre.kit.db import InTransaction
from theatre.kit.errors import Forbidden
from theatre.kit.fields import Line, Moment
from theatre.kit.routing import StrictRoute

WRITER = "notification"

router = APIRouter(prefix=INTERNAL, tags=["internal"], route_class=StrictRoute)


@router.get("/revocations", summary="Sessions ended since a moment")
async def read_revocations(
    session: InTransaction,
    resources: Given,
    _: CallingService,
    *,
    since: Annotated[Moment | None, Query()] = None,
) -> RevocationsAnswer:
    revoked = await user_sessions.find_revoked(
        session, since, now=resources.now(), access_ttl_seconds=resources.settings.access_ttl_seconds
    )
    return RevocationsAnswer(session_ids=sorted(revoked.session_ids), until=revoked.until)


@router.get("/users", summary="Active accounts in the order of their ids")
async def list_users(
    session: InTransaction,
    _: CallingService,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
) -> ReadersAnswer:
    rows = await users.list_active(session, after=after, limit=limit)
    return ReadersAnswer(items=[Reader(id=row.id, locale=row.locale) for row in rows])


@router.get("/users/count", summary="How many active accounts there are")
async def count_users(session: InTransaction, _: CallingService) -> CountAnswer:
    return CountAnswer(count=await users.count_active(session))


@router.get("/users/find", summary="Whose login, e-mail address or id a word is")
async def find_users(
    query: Annotated[Line, Query()], session: InTransaction, _: CallingService
) -> FoundUsers:
    return FoundUsers(user_ids=list(await users.find_users(session, query)))


@router.get("/users/{user_id}/contact", summary="Where to write to a user")
async def read_contact(user_id: UUID, session: InTransaction, _: CallingService) -> Contact:
    return notices.contact_of(await users.get_user(session, user_id))


@router.get(
    "/notices/{notice_id}",
    summary="What to write to a user about the account",
    description="For notification alone, since there may be a token in it; `auth.notice_not_found` (404).",
)
async def read_notice(
    notice_id: UUID, session: InTransaction, resources: Given, caller: CallingService
) -> NoticeAnswer:
    if caller.service != WRITER:
        raise Forbidden("This door is for notification.")
    return await notices.get_written(session, notice_id, mint=resources.mint, now=resources.now())
