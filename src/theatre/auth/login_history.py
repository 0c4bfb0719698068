"""Tries to log in, kept for their user to look at."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from theatre.auth.addresses import Device
from theatre.auth.models import LoginAttempt
from theatre.auth.user_sessions import cursor_id
from theatre.kit.db import Session, Sessions, transaction
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.pagination import Page, PageRequest, page_of

log = get_logger(__name__)

KEEP = timedelta(days=180)


async def record(
    sessions: Sessions, user_id: UUID | None, device: Device, *, succeeded: bool, now: datetime
) -> None:
    """Write down a try. A login does not fail for want of its history: what goes wrong here is logged."""
    attempt = LoginAttempt(
        id=new_id(),
        user_id=user_id,
        succeeded=succeeded,
        address=device.address,
        user_agent=device.user_agent,
        occurred_at=now,
    )
    try:
        async with transaction(sessions) as session:
            session.add(attempt)
    except (DBAPIError, PoolTimeout, OSError) as error:
        log.warning("login not written down", user_id=user_id, error=repr(error))


async def list_own(session: Session, user_id: UUID, page: PageRequest) -> Page[LoginAttempt]:
    """List the tries for one user, newest first.

    Raises:
        BadCursor
    """
    query = (
        select(LoginAttempt)
        .where(LoginAttempt.user_id == user_id)
        .order_by(LoginAttempt.id.desc())
        .limit(page.limit + 1)
    )
    if page.after is not None:
        query = query.where(LoginAttempt.id < cursor_id(page))
    return page_of((await session.scalars(query)).all(), page, key=lambda row: (row.id,))


async def find_last_success(session: Session, user_id: UUID) -> LoginAttempt | None:
    """Read when and from where somebody last signed in."""
    query = select(LoginAttempt).where(LoginAttempt.user_id == user_id, LoginAttempt.succeeded)
    found: LoginAttempt | None = await session.scalar(query.order_by(LoginAttempt.id.desc()).limit(1))
    return found


async def delete_old(session: Session, *, now: datetime) -> None:
    """Delete tries that nobody looks at any more."""
    await session.execute(delete(LoginAttempt).where(LoginAttempt.occurred_at < now - KEEP))
