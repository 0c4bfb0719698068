"""What a user wants to be told, and when. Without a row of theirs: everything, at any time.

The inbox takes everything. By e-mail a category that is not critical can be switched off.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Session
from theatre.notification.kinds import CRITICAL, Category
from theatre.notification.links import BadLink
from theatre.notification.models import Delivery, Notification, Preference
from theatre.notification.quiet_hours import QuietHours


@dataclass(frozen=True, slots=True)
class Wishes:
    """The categories that a user gets no mail of, and the hours of quiet."""

    without_mail: frozenset[Category] = frozenset()
    quiet_hours: QuietHours | None = None

    def forbid_mail(self, category: Category) -> bool:
        """Tell whether there is to be no mail of a category."""
        return category in self.without_mail and category not in CRITICAL

    def quiet_until(self, category: Category, now: datetime) -> datetime | None:
        """Tell until when a mail of a category has to wait; None if it goes now."""
        if self.quiet_hours is None or category in CRITICAL:
            return None
        return self.quiet_hours.end_after(now)


NO_WISHES = Wishes()


async def find_many(session: Session, user_ids: Collection[UUID]) -> Mapping[UUID, Wishes]:
    """Read the wishes of those users who have any."""
    found = await session.scalars(select(Preference).where(Preference.user_id.in_(user_ids)))
    return {row.user_id: _wishes_of(row) for row in found}


async def get(session: Session, user_id: UUID) -> Wishes:
    """Read the wishes of a user."""
    return (await find_many(session, [user_id])).get(user_id, NO_WISHES)


async def replace(session: Session, user_id: UUID, wishes: Wishes, *, now: datetime) -> None:
    """Make these the wishes of a user."""
    quiet = wishes.quiet_hours
    values = {
        "without_mail": sorted(wishes.without_mail),
        "quiet_from": quiet and quiet.starts,
        "quiet_until": quiet and quiet.ends,
        "quiet_zone": quiet and quiet.zone,
        "updated_at": now,
    }
    row = insert(Preference).values(user_id=user_id, **values)
    await session.execute(row.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def find_category(session: Session, delivery_id: UUID) -> Category:
    """Tell which category a mail can be left by.

    Raises:
        BadLink: no such delivery, or it is critical.
    """
    return (await _read_news(session, delivery_id))[1]


async def unsubscribe(session: Session, delivery_id: UUID, *, now: datetime) -> Category:
    """Switch off mails like a delivery, for its reader; repeating it changes nothing. Gives the category.

    Raises:
        BadLink: no such delivery, or it is critical.
    """
    user_id, category = await _read_news(session, delivery_id)
    nothing = insert(Preference).values(user_id=user_id, without_mail=[], updated_at=now)
    await session.execute(nothing.on_conflict_do_nothing(index_elements=["user_id"]))
    row = (await session.scalars(select(Preference).filter_by(user_id=user_id).with_for_update())).one()
    if category not in row.without_mail:
        row.without_mail = sorted({*row.without_mail, category})
        row.updated_at = now
    return category


async def _read_news(session: Session, delivery_id: UUID) -> tuple[UUID, Category]:
    about = select(Notification.user_id, Notification.category).join(Delivery)
    found = (await session.execute(about.where(Delivery.id == delivery_id))).one_or_none()
    if found is None or found.category in CRITICAL:
        raise BadLink
    return found.user_id, Category(found.category)


async def count_without_mail(
    session: Session, category: Category, user_ids: Collection[UUID] | None = None
) -> int:
    """Count the users, of those named or of all, who get no mail of a category."""
    found = select(func.count()).where(Preference.without_mail.contains([category]))
    if user_ids is not None:
        found = found.where(Preference.user_id.in_(user_ids))
    return await session.scalar(found) or 0


def _wishes_of(row: Preference) -> Wishes:
    quiet = None
    if row.quiet_from is not None and row.quiet_until is not None and row.quiet_zone is not None:
        quiet = QuietHours(row.quiet_from, row.quiet_until, row.quiet_zone)
    return Wishes(frozenset(map(Category, row.without_mail)), quiet)
