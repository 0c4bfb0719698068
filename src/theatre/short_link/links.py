"""Short links: made for a while, followed by anyone who has the code, shown to those they were made for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.access import Principal
from theatre.kit.db import Session
from theatre.short_link.codes import is_code, new_code
from theatre.short_link.errors import LinkExpired, LinkNotFound, NoFreeCode
from theatre.short_link.models import Link

MAX_DRAWS = 5
READ_PERMISSION = "short_link.read"


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to make; the address was checked."""

    url: str
    purpose: str
    user_id: UUID | None
    ttl: timedelta


async def make(
    session: Session, link: NewLink, *, now: datetime, draw_code: Callable[[], str] = new_code
) -> Link:
    """Store a link under a code that nobody has; a code that is taken is never given again.

    Raises:
        NoFreeCode: all codes drawn are taken.
    """
    row = {
        "url": link.url,
        "purpose": link.purpose,
        "user_id": link.user_id,
        "created_at": now,
        "expires_at": now + link.ttl,
    }
    for _ in range(MAX_DRAWS):
        statement = insert(Link).values(code=draw_code(), **row).on_conflict_do_nothing().returning(Link)
        if made := await session.scalar(statement):
            return made
    raise NoFreeCode


async def get(session: Session, code: str) -> Link:
    """Read a link.

    Raises:
        LinkNotFound
    """
    link = await session.get(Link, code) if is_code(code) else None
    if link is None:
        raise LinkNotFound
    return link


async def follow(session: Session, code: str, *, now: datetime) -> str:
    """Count a click and give the address.

    Raises:
        LinkNotFound, LinkExpired
    """
    if not is_code(code):
        raise LinkNotFound
    counted = update(Link).where(Link.code == code, Link.expires_at > now).values(clicks=Link.clicks + 1)
    url = await session.scalar(counted.returning(Link.url))
    return url if url is not None else await look_at(session, code, now=now)


async def look_at(session: Session, code: str, *, now: datetime) -> str:
    """Give the address without counting.

    Raises:
        LinkNotFound, LinkExpired
    """
    link = await get(session, code)
    if link.expires_at <= now:
        raise LinkExpired
    return link.url


async def get_visible(session: Session, code: str, *, to: Principal) -> Link:
    """Read a link of the caller, or any for staff.

    Raises:
        LinkNotFound: there is none, or it is somebody else's.
    """
    link = await get(session, code)
    if link.user_id != to.user_id and not to.may(READ_PERMISSION):
        raise LinkNotFound
    return link
