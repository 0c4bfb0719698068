"""Sessions of users: begun by a login, kept alive by refresh tokens, ended for good."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update

from theatre.auth import notices
from theatre.auth.addresses import Device
from theatre.auth.errors import BadRefreshToken, SessionNotFound
from theatre.auth.models import EndReason, OutboxMessage, User, UserSession
from theatre.auth.resources import Resources
from theatre.auth.roles import get_holder
from theatre.auth.settings import AuthSettings
from theatre.auth.tokens import Issue, RefreshClaim, TokenPair
from theatre.contracts.auth import NoticeKind, SessionRevoked
from theatre.kit.access import LEEWAY_SECONDS, Principal, Revocations
from theatre.kit.db import Session, transact
from theatre.kit.errors import Unauthenticated
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.outbox import emit
from theatre.kit.pagination import BadCursor, Page, PageRequest, page_of

log = get_logger(__name__)

LOST_ANSWER = timedelta(seconds=10)
# a revocation may be committed this much later than its moment; asked for again, it changes nothing
LATE_COMMIT = timedelta(seconds=30)
KEEP_ENDED = timedelta(days=90)


def start(
    session: Session, user: User, device: Device, *, now: datetime, settings: AuthSettings
) -> UserSession:
    """Begin a session of a user who has just proved to be one."""
    started = UserSession(
        id=new_id(),
        user_id=user.id,
        generation=1,
        access_jti=new_id(),
        address=device.address,
        user_agent=device.user_agent,
        created_at=now,
        rotated_at=now,
        expires_at=now + timedelta(seconds=settings.refresh_ttl_seconds),
    )
    session.add(started)
    return started


def issue_of(row: UserSession) -> Issue:
    """Tell which pair of tokens a session gave last."""
    return Issue(row.id, row.generation, row.access_jti, row.rotated_at)


async def refresh(resources: Resources, refresh_token: str) -> TokenPair:
    """Give the next pair for a refresh token, which ends it.

    The token before the last, within 10 s, gets the same pair as before: its answer was lost. Any older
    one was stolen from somebody: the session ends.

    Raises:
        BadRefreshToken
    """
    claim = resources.mint.read_refresh_token(refresh_token)
    if claim is None:
        raise BadRefreshToken
    # the end of a stolen session must be committed, so the refusal comes after the transaction
    pair = await transact(resources.sessions, lambda session: _rotate(session, resources, claim))
    if pair is None:
        raise BadRefreshToken
    return pair


async def _rotate(session: Session, resources: Resources, claim: RefreshClaim) -> TokenPair | None:
    now = resources.now()
    row = await session.get(UserSession, claim.session_id, with_for_update=True)
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    user = await session.get_one(User, row.user_id)
    if not user.is_active:
        return None
    if claim.generation == row.generation:
        _advance(row, now=now, ttl_seconds=resources.settings.refresh_ttl_seconds)
    elif claim.generation != row.generation - 1 or now - row.rotated_at > LOST_ANSWER:
        log.warning("refresh token reused", session_id=row.id, user_id=row.user_id)
        revoke(session, row, reason=EndReason.TOKEN_REUSED, now=now)
        device = Device(row.address, row.user_agent)
        notices.request(
            session, user, NoticeKind.SESSION_STOLEN, now=now, settings=resources.settings, device=device
        )
        return None
    return resources.mint.make_pair(issue_of(row), await get_holder(session, user))


def _advance(row: UserSession, *, now: datetime, ttl_seconds: int) -> None:
    row.generation += 1
    row.access_jti = new_id()
    row.rotated_at = now
    row.expires_at = now + timedelta(seconds=ttl_seconds)


def revoke(session: Session, row: UserSession, *, reason: EndReason, now: datetime) -> None:
    """End a session that the caller has locked."""
    row.revoked_at, row.end_reason = now, reason
    _tell(session, row, now=now)


async def revoke_one(session: Session, principal: Principal, session_id: UUID, *, now: datetime) -> None:
    """End one of a user's own sessions; the one that asks is a log-out.

    Raises:
        SessionNotFound: ended already, or somebody else's.
    """
    if principal.user_id is None:
        raise SessionNotFound
    row = await get_live(session, principal.user_id, session_id, now=now)
    is_own = session_id == principal.session_id
    revoke(session, row, reason=EndReason.LOGOUT if is_own else EndReason.ENDED, now=now)


async def get_live(session: Session, user_id: UUID, session_id: UUID, *, now: datetime) -> UserSession:
    """Lock one live session of a user.

    Raises:
        SessionNotFound: ended already, or somebody else's.
    """
    row = await session.get(UserSession, session_id, with_for_update=True)
    if row is None or row.user_id != user_id or row.revoked_at or row.expires_at <= now:
        raise SessionNotFound
    return row


async def end_own(session: Session, principal: Principal, *, now: datetime) -> None:
    """Log out. A session that somebody else ended meanwhile is as good."""
    row = await session.get(UserSession, principal.session_id, with_for_update=True)
    if row is not None and row.revoked_at is None:
        revoke(session, row, reason=EndReason.LOGOUT, now=now)


async def revoke_all(
    session: Session, user_id: UUID, *, reason: EndReason, now: datetime, kept: UUID | None = None
) -> None:
    """End every session of a user, but the one that is `kept`."""
    await revoke_many(session, [user_id], reason=reason, now=now, kept=kept)


async def revoke_many(
    session: Session, user_ids: Sequence[UUID], *, reason: EndReason, now: datetime, kept: UUID | None = None
) -> None:
    """End every session of these users, but the one that is `kept`."""
    ended = (
        update(UserSession)
        .where(UserSession.user_id.in_(user_ids))
        .where(UserSession.revoked_at.is_(None), UserSession.expires_at > now)
        .where(UserSession.id.is_distinct_from(kept))
        .values(revoked_at=now, end_reason=reason)
        .returning(UserSession)
    )
    for row in (await session.scalars(ended)).all():
        _tell(session, row, now=now)


def _tell(session: Session, row: UserSession, *, now: datetime) -> None:
    fact = SessionRevoked(session_id=row.id, user_id=row.user_id, reason=row.end_reason or "")
    emit(session, OutboxMessage, fact, aggregate_id=row.id, now=now)


async def get_owner(session: Session, principal: Principal, *, lock: bool = False) -> User:
    """Read the user behind a live session: here, unlike at other services, an end counts at once.

    Raises:
        Unauthenticated: the session has ended or the account is disabled.
    """
    query = (
        select(User)
        .join(UserSession, UserSession.user_id == User.id)
        .where(UserSession.id == principal.session_id, UserSession.revoked_at.is_(None), User.is_active)
    )
    user = (await session.scalars(query.with_for_update(of=User) if lock else query)).one_or_none()
    if user is None:
        raise Unauthenticated("The session has ended.")
    return user


async def list_live(
    session: Session, user_id: UUID, page: PageRequest, *, now: datetime
) -> Page[UserSession]:
    """List a user's sessions that can still be refreshed, newest first.

    Raises:
        BadCursor
    """
    query = (
        select(UserSession)
        .where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None), UserSession.expires_at > now)
        .order_by(UserSession.id.desc())
        .limit(page.limit + 1)
    )
    if page.after is not None:
        query = query.where(UserSession.id < cursor_id(page))
    return page_of((await session.scalars(query)).all(), page, key=lambda row: (row.id,))


def cursor_id(page: PageRequest) -> UUID:
    """Read the id that a page goes on after.

    Raises:
        BadCursor: the cursor is another list's.
    """
    try:
        (after,) = page.after or ()
        return UUID(after)
    except ValueError as error:
        raise BadCursor from error


async def find_revoked(
    session: Session, since: datetime | None, *, now: datetime, access_ttl_seconds: int
) -> Revocations:
    """List the sessions ended since a moment whose access tokens may still be alive."""
    oldest = now - timedelta(seconds=access_ttl_seconds + LEEWAY_SECONDS)
    begin = max(since, oldest) if since else oldest
    query = select(UserSession.id).where(UserSession.revoked_at >= begin)
    return Revocations(frozenset((await session.scalars(query)).all()), now - LATE_COMMIT)


async def delete_ended(session: Session, *, now: datetime) -> None:
    """Delete sessions that ended long ago."""
    longest = now - KEEP_ENDED
    ended = or_(UserSession.expires_at < longest, UserSession.revoked_at < longest)
    await session.execute(delete(UserSession).where(ended))
