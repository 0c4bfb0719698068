"""Doors for our own services."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from theatre.auth import user_sessions, users
from theatre.auth.resources import Given
from theatre.contracts.auth import INTERNAL, Contact, FoundUsers, RevocationsAnswer
from theatre.kit.access import CallingService
from theatre.kit.db import InTransaction
from theatre.kit.fields import Line, Moment
from theatre.kit.routing import StrictRoute

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


@router.get("/users", summary="Whose login, e-mail address or id a word is")
async def find_users(
    query: Annotated[Line, Query()], session: InTransaction, _: CallingService
) -> FoundUsers:
    return FoundUsers(user_ids=list(await users.find_users(session, query)))


@router.get("/users/{user_id}/contact", summary="Where to write to a user")
async def read_contact(user_id: UUID, session: InTransaction, _: CallingService) -> Contact:
    user = await users.get_user(session, user_id)
    return Contact(
        user_id=user.id, login=user.login, email=user.email, locale=user.locale, is_active=user.is_active
    )
