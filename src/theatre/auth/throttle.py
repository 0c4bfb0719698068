"""Guessing of passwords is slowed down per name: five tries are free, each further one waits twice as long.

That is ten tries in the first hour. Addresses from which the owner has logged in before are counted by
themselves, so that strangers cannot keep the owner out.
"""

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from theatre.auth.models import Guesses
from theatre.kit.db import Session
from theatre.kit.errors import TooMany

FREE_TRIES = 5
FIRST_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 3600
FORGOTTEN_AFTER = timedelta(hours=24)


def subject_of(*parts: str) -> str:
    """Make the digest under which tries are counted."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


async def take_guess(session: Session, subject: str, *, now: datetime) -> None:
    """Count one try before it is made, so that parallel ones count too.

    Raises:
        TooMany: the pause is not over; says when it is.
    """
    forgotten = Guesses.last_at < now - FORGOTTEN_AFTER
    count = case((forgotten, 1), else_=Guesses.count + 1)
    doubled = FIRST_PAUSE_SECONDS * func.power(2, func.least(count - FREE_TRIES, 6))
    pause_seconds = case((count < FREE_TRIES, 0), else_=func.least(doubled, LONGEST_PAUSE_SECONDS))
    fresh = insert(Guesses).values(subject=subject, count=1, last_at=now, next_at=now)
    counted = fresh.on_conflict_do_update(
        index_elements=[Guesses.subject],
        set_={"count": count, "last_at": now, "next_at": now + pause_seconds * timedelta(seconds=1)},
        where=Guesses.next_at <= now,
    )
    if await session.scalar(counted.returning(Guesses.count)) is None:
        next_at = (await session.scalars(select(Guesses.next_at).where(Guesses.subject == subject))).one()
        raise TooMany(max(1, math.ceil((next_at - now).total_seconds())))


async def forget(session: Session, subject: str) -> None:
    """Forget the tries: the right password was given."""
    await session.execute(delete(Guesses).where(Guesses.subject == subject))


async def delete_forgotten(session: Session, *, now: datetime) -> None:
    """Delete counts that have no effect any more."""
    await session.execute(delete(Guesses).where(Guesses.last_at < now - FORGOTTEN_AFTER))


class Turns:
    """Lets tries for one name through one at a time: right ones must not count against each other."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, subject: str) -> AsyncIterator[None]:
        """Wait for the turn of this name in this process."""
        lock = self._locks.setdefault(subject, asyncio.Lock())
        async with lock:
            yield
