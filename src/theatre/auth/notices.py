"""Notices: what users are written about their accounts, with or without a link that holds once.

Notification is told only that there is one; it asks for the address and the link when it writes the mail, so that
neither lies in a queue.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update

from theatre.auth.addresses import Device
from theatre.auth.devices import name_of
from theatre.auth.errors import BadLink, NoticeNotFound
from theatre.auth.models import Notice, OutboxMessage, User
from theatre.auth.names import fold
from theatre.auth.settings import AuthSettings
from theatre.auth.tokens import Mint
from theatre.contracts.auth import Contact, NoticeAnswer, NoticeKind, NoticeRequested
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.outbox import emit

PAGES = {NoticeKind.VERIFY_EMAIL: "/verify", NoticeKind.RESET_PASSWORD: "/reset"}
KEEP = timedelta(days=30)


def request(
    session: Session,
    user: User,
    kind: NoticeKind,
    *,
    now: datetime,
    settings: AuthSettings,
    device: Device | None = None,
) -> None:
    """Have a user written to, at the present address of the account; about a `device`, where it is about one."""
    ttl_seconds = {
        NoticeKind.VERIFY_EMAIL: settings.verify_ttl_seconds,
        NoticeKind.RESET_PASSWORD: settings.reset_ttl_seconds,
    }.get(kind)
    notice = Notice(
        id=new_id(),
        user_id=user.id,
        kind=kind,
        email=user.email,
        address=device.address if device else None,
        user_agent=device.user_agent if device else None,
        created_at=now,
        expires_at=now + timedelta(seconds=ttl_seconds) if ttl_seconds else None,
    )
    session.add(notice)
    fact = NoticeRequested(notice_id=notice.id, user_id=user.id, kind=kind)
    emit(session, OutboxMessage, fact, aggregate_id=notice.id, now=now)


async def get_written(session: Session, notice_id: UUID, *, mint: Mint, now: datetime) -> NoticeAnswer:
    """Read what a notice says and to which address it goes.

    Raises:
        NoticeNotFound: there is none, its link does not hold any more, or the account is disabled.
    """
    notice = await session.get(Notice, notice_id)
    user = await session.get(User, notice.user_id) if notice else None
    if notice is None or user is None or not user.is_active:
        raise NoticeNotFound
    kind, life = NoticeKind(notice.kind), None
    if notice.expires_at is not None:
        life = round((notice.expires_at - notice.created_at).total_seconds() / 60)
        if not holds(notice, user, now=now):
            raise NoticeNotFound
    return NoticeAnswer(
        kind=kind,
        contact=contact_of(user).model_copy(update={"email": notice.email}),
        occurred_at=notice.created_at,
        path=f"{PAGES[kind]}?token={mint.make_link_token(notice.id, kind)}" if kind in PAGES else None,
        life_minutes=life,
        device=None if notice.user_agent is None else name_of(notice.user_agent),
        address=notice.address,
    )


def contact_of(user: User) -> Contact:
    """Tell where to write to a user."""
    return Contact(
        user_id=user.id, login=user.login, email=user.email, locale=user.locale, is_active=user.is_active
    )


def holds(notice: Notice, user: User, *, now: datetime) -> bool:
    """Tell whether the link of a notice may still be used: not used, in time, and to the account's address."""
    is_fresh = notice.used_at is None and notice.expires_at is not None and notice.expires_at > now
    return is_fresh and user.is_active and fold(notice.email) == user.email_key


async def open_link(session: Session, notice_id: UUID, *, now: datetime) -> User:
    """Lock the account that a link leads to.

    Raises:
        BadLink: it does not hold.
    """
    notice = await session.get(Notice, notice_id)
    if notice is None:
        raise BadLink
    user = await session.get(User, notice.user_id, with_for_update=True)
    if user is None:
        raise BadLink
    # whoever ends a link has locked the account: read again under that lock
    await session.refresh(notice)
    if not holds(notice, user, now=now):
        raise BadLink
    return user


async def end_links(session: Session, user_id: UUID, *kinds: NoticeKind, now: datetime) -> None:
    """Let no open link of these kinds hold any more; the caller has locked the account."""
    ended = update(Notice).where(Notice.user_id == user_id, Notice.kind.in_(kinds))
    open_ones = ended.where(Notice.expires_at.is_not(None), Notice.used_at.is_(None))
    await session.execute(open_ones.values(used_at=now).execution_options(synchronize_session=False))


async def delete_old(session: Session, *, now: datetime) -> None:
    """Delete notices that were written long ago."""
    await session.execute(delete(Notice).where(Notice.created_at < now - KEEP))
