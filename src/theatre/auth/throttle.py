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

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from theatre.auth.models import Guesses, User, UserSession
from theatre.kit.db import Session
from theatre.kit.errors import TooMany

FREE_TRIES = 5
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(hours=24)


def subject_of(*parts: str) -> str:
    """Make the digest under which tries are counted."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


async def take_guess(session: Session, subject: str, *, now: datetime) -> None:
    """Count one try before it is made, so that parallel ones count too.

    Raises:
        TooMany: the pause is not over; says when it is.
    """
    fresh = insert(Guesses).values(subject=subject, count=0, last_at=now, next_at=now)
    # the update that changes nothing locks a row that is there, and gives it
    locked = fresh.on_conflict_do_update(index_elements=[Guesses.subject], set_={"subject": subject})
    guesses = (await session.scalars(locked.returning(Guesses))).one()
    if guesses.next_at > now:
        raise TooMany(math.ceil((guesses.next_at - now).total_seconds()))
    is_forgotten = guesses.last_at < now - FORGOTTEN_AFTER
    guesses.count = 1 if is_forgotten else guesses.count + 1
    guesses.last_at = now
    guesses.next_at = now + pause_after(guesses.count)


def pause_after(count: int) -> timedelta:
    """Tell how long to wait after so many wrong tries in a row."""
    if count < FREE_TRIES:
        return timedelta()
    return min(FIRST_PAUSE * (1 << min(count - FREE_TRIES, 10)), LONGEST_PAUSE)


async def forget(session: Session, subject: str) -> None:
    """Forget the tries: the right password was given."""
    await session.execute(delete(Guesses).where(Guesses.subject == subject))


async def forget_user(session: Session, user: User) -> None:
    """Forget the tries for all names of a user, also those of the devices that are counted by themselves."""
    mine = Guesses.subject.in_(await _subjects_of(session, user))
    await session.execute(delete(Guesses).where(mine))


async def find_pause(session: Session, user: User, *, now: datetime) -> datetime | None:
    """Tell until when a user is kept waiting, by any name and from anywhere; None if nowhere."""
    mine = Guesses.subject.in_(await _subjects_of(session, user))
    until: datetime | None = await session.scalar(
        select(func.max(Guesses.next_at)).where(mine, Guesses.next_at > now)
    )
    return until


async def _subjects_of(session: Session, user: User) -> list[str]:
    known = select(UserSession.address).where(UserSession.user_id == user.id).distinct()
    addresses = ["", *await session.scalars(known)]
    names = (user.login_key, user.email_key)
    subjects = [subject_of(name, address) for name in names for address in addresses]
    return [*subjects, subject_of(str(user.id))]


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
