"""Tries to log in, kept for their user to look at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from theatre.auth import known_devices
from theatre.auth.addresses import Device
from theatre.auth.models import LoginAttempt, LoginMethod, LoginResult, User
from theatre.auth.resources import Resources
from theatre.auth.user_sessions import cursor_id
from theatre.kit.db import Session, transaction
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.pagination import Page, PageRequest, page_of

log = get_logger(__name__)

KEEP = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try to sign in; `user` is None where the name is nobody's."""

    user: User | None
    device: Device
    result: LoginResult
    method: LoginMethod = LoginMethod.PASSWORD


async def record(resources: Resources, attempt: Attempt) -> None:
    """Write down a try; if it was let in, look whether the device is known.

    A login does not fail for want of its history: what goes wrong here is logged.
    """
    user, device, now = attempt.user, attempt.device, resources.now()
    row = LoginAttempt(
        id=new_id(),
        user_id=user.id if user else None,
        method=attempt.method,
        result=attempt.result,
        address=device.address,
        user_agent=device.user_agent,
        occurred_at=now,
    )
    try:
        async with transaction(resources.sessions) as session:
            session.add(row)
            if user is not None and row.succeeded:
                await known_devices.note(session, user, device, now=now, settings=resources.settings)
    except (DBAPIError, PoolTimeout, OSError) as error:
        log.warning("login not written down", user_id=row.user_id, error=repr(error))


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
    query = select(LoginAttempt).where(
        LoginAttempt.user_id == user_id, LoginAttempt.result == LoginResult.SUCCEEDED
    )
    found: LoginAttempt | None = await session.scalar(query.order_by(LoginAttempt.id.desc()).limit(1))
    return found


async def delete_old(session: Session, *, now: datetime) -> None:
    """Delete tries that nobody looks at any more."""
    await session.execute(delete(LoginAttempt).where(LoginAttempt.occurred_at < now - KEEP))
