"""Devices from which users have signed in before, so that they hear of one that is new.

A device is the browser and system that it names, in the network of its provider: an update of the browser, or another
address of the same provider, makes no new device.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from theatre.auth import notices
from theatre.auth.addresses import Device
from theatre.auth.devices import name_of
from theatre.auth.models import KnownDevice, User
from theatre.auth.settings import AuthSettings
from theatre.auth.throttle import subject_of
from theatre.contracts.auth import NoticeKind
from theatre.kit.db import Session

KEEP_UNSEEN = timedelta(days=180)


async def note(
    session: Session, user: User, device: Device, *, now: datetime, settings: AuthSettings
) -> None:
    """Remember a device from which a user has just signed in; write to the user if it is new, and not the first."""
    mine = KnownDevice.user_id == user.id
    digest = subject_of(name_of(device.user_agent), device.neighbourhood)
    fresh = insert(KnownDevice).values(user_id=user.id, digest=digest, last_seen_at=now)
    if await session.scalar(fresh.on_conflict_do_nothing().returning(KnownDevice.digest)) is None:
        seen = update(KnownDevice).where(mine, KnownDevice.digest == digest).values(last_seen_at=now)
        await session.execute(seen.execution_options(synchronize_session=False))
        return
    if await session.scalar(select(exists().where(mine, KnownDevice.digest != digest))):
        notices.request(session, user, NoticeKind.NEW_DEVICE, now=now, settings=settings, device=device)


async def delete_unseen(session: Session, *, now: datetime) -> None:
    """Forget devices that nobody has signed in from for half a year."""
    await session.execute(delete(KnownDevice).where(KnownDevice.last_seen_at < now - KEEP_UNSEEN))
