"""Accounts: made, read and changed by their owners."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from theatre.auth import notices, throttle, user_sessions
from theatre.auth.errors import NameTaken, UserAlreadyExists, UserNotFound, WrongPassword
from theatre.auth.models import EndReason, OutboxMessage, User
from theatre.auth.names import Locale, fold
from theatre.auth.passwords import check_policy
from theatre.auth.resources import Resources
from theatre.contracts.auth import NoticeKind, UserRegistered
from theatre.kit.access import Principal
from theatre.kit.db import Session, transact, transaction
from theatre.kit.ids import new_id
from theatre.kit.outbox import emit


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account to be made."""

    login: str
    email: str
    password_hash: str
    locale: Locale
    is_superuser: bool = False
    email_verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a user wants changed; None stays as it is."""

    login: str | None = None
    email: str | None = None
    password: str | None = None
    locale: Locale | None = None

    @property
    def need_password(self) -> bool:
        """Tell whether only the owner, and not merely a signed-in browser, may ask for this."""
        return any(value is not None for value in (self.login, self.email, self.password))


async def register(resources: Resources, *, login: str, email: str, password: str, locale: Locale) -> User:
    """Make an account and tell the world.

    Raises:
        UserAlreadyExists: the login or the address is taken, in any letter case.
        WeakPassword
        HashingBusy
    """
    check_policy(password, login=login, email=email)
    async with transaction(resources.sessions) as session:
        await refuse_taken(session, login=login, email=email)
    with resources.hasher.place():
        password_hash = await resources.hasher.hash(password)
    account = Account(login=login, email=email, password_hash=password_hash, locale=locale)
    return await transact(resources.sessions, lambda session: _add_and_tell(session, account, resources))


async def refuse_taken(session: Session, *, login: str, email: str) -> None:
    """Spare a hash where names are taken; only `add` decides.

    Raises:
        UserAlreadyExists
    """
    taken = or_(User.login_key == fold(login), User.email_key == fold(email))
    if await session.scalar(select(User.id).where(taken).limit(1)):
        raise UserAlreadyExists


async def _add_and_tell(session: Session, account: Account, resources: Resources) -> User:
    now = resources.now()
    user = await add(session, account, now=now)
    fact = UserRegistered(user_id=user.id, login=user.login, locale=user.locale)
    emit(session, OutboxMessage, fact, aggregate_id=user.id, now=now)
    notices.request(session, user, NoticeKind.VERIFY_EMAIL, now=now, settings=resources.settings)
    return user


async def add(session: Session, account: Account, *, now: datetime) -> User:
    """Insert an account. Unique names hold between parallel transactions.

    Raises:
        UserAlreadyExists
    """
    row = {
        "id": new_id(),
        "login": account.login,
        "login_key": fold(account.login),
        "email": account.email,
        "email_key": fold(account.email),
        "email_verified": account.email_verified,
        "password_hash": account.password_hash,
        "locale": account.locale,
        "is_superuser": account.is_superuser,
        "is_active": True,
        "created_at": now,
        "updated_at": now,
    }
    added: User | None = await session.scalar(
        insert(User).values(row).on_conflict_do_nothing().returning(User)
    )
    if added is None:
        raise UserAlreadyExists
    return added


async def change(
    resources: Resources, principal: Principal, changes: Changes, *, current_password: str | None
) -> User:
    """Change the caller's account. A new password ends all other sessions; a new address is unverified, gets a link
    to verify it, and the old one is told.

    Raises:
        WrongPassword: names or password are to change, and the current password is absent or wrong.
        NameTaken, WeakPassword, TooMany, HashingBusy
        Unauthenticated: the session has ended.
    """
    async with transaction(resources.sessions) as session:
        owner = await user_sessions.get_owner(session, principal)
    password_hash = owner.password_hash
    if changes.need_password:
        await _prove(resources, owner, current_password)
    if changes.password is not None:
        login, email = changes.login or owner.login, changes.email or owner.email
        check_policy(changes.password, login=login, email=email)
        with resources.hasher.place():
            password_hash = await resources.hasher.hash(changes.password)
    try:
        return await transact(
            resources.sessions,
            lambda session: _apply(
                session, resources, principal, changes=changes, proven=owner, password_hash=password_hash
            ),
        )
    except IntegrityError as error:
        raise NameTaken from error


async def _prove(resources: Resources, owner: User, password: str | None) -> None:
    if password is None:
        raise WrongPassword
    subject = throttle.subject_of(str(owner.id))
    async with resources.turns.take(subject):
        with resources.hasher.place():
            now = resources.now()
            await transact(resources.sessions, lambda session: throttle.take_guess(session, subject, now=now))
            if not await resources.hasher.verify(owner.password_hash, password):
                raise WrongPassword
        await transact(resources.sessions, lambda session: throttle.forget(session, subject))


async def _apply(
    session: Session,
    resources: Resources,
    principal: Principal,
    *,
    changes: Changes,
    proven: User,
    password_hash: str,
) -> User:
    user = await user_sessions.get_owner(session, principal, lock=True)
    if changes.need_password and user.updated_at != proven.updated_at:
        raise WrongPassword("The account was changed meanwhile; try again.")
    if changes.login is not None:
        user.login, user.login_key = changes.login, fold(changes.login)
    if changes.email is not None and changes.email != user.email:
        await _move(session, user, changes.email, resources=resources)
    if changes.password is not None:
        await renew_password(session, user, password_hash, resources=resources, kept=principal.session_id)
    user.locale = changes.locale or user.locale
    if changes.need_password:
        user.updated_at = resources.now()
    await session.flush()
    return user


async def _move(session: Session, user: User, email: str, *, resources: Resources) -> None:
    """Give an account another address. Links that lie in the old mailbox do not hold any more."""
    now, settings = resources.now(), resources.settings
    await notices.end_links(session, user.id, *NoticeKind, now=now)
    notices.request(session, user, NoticeKind.EMAIL_CHANGED, now=now, settings=settings)
    user.email, user.email_key, user.email_verified = email, fold(email), False
    notices.request(session, user, NoticeKind.VERIFY_EMAIL, now=now, settings=settings)


async def renew_password(
    session: Session, user: User, password_hash: str, *, resources: Resources, kept: UUID | None = None
) -> None:
    """Give an account that the caller has locked another password. Ends all its sessions but the one that is `kept`,
    and the links that would set yet another; tells its user.
    """
    now = resources.now()
    user.password_hash, user.updated_at = password_hash, now
    await notices.end_links(session, user.id, NoticeKind.RESET_PASSWORD, now=now)
    await user_sessions.revoke_all(session, user.id, reason=EndReason.PASSWORD_CHANGED, now=now, kept=kept)
    notices.request(session, user, NoticeKind.PASSWORD_CHANGED, now=now, settings=resources.settings)


async def get_user(session: Session, user_id: UUID) -> User:
    """Read an account.

    Raises:
        UserNotFound
    """
    user = await session.get(User, user_id)
    if user is None:
        raise UserNotFound
    return user


async def list_active(session: Session, *, after: UUID | None, limit: int) -> Sequence[Row[UUID, str]]:
    """List ids and languages of active accounts in the order of their ids, from one on."""
    rows = select(User.id, User.locale).where(User.is_active).order_by(User.id).limit(limit)
    if after is not None:
        rows = rows.where(User.id > after)
    return (await session.execute(rows)).all()


async def count_active(session: Session) -> int:
    """Count active accounts."""
    return await session.scalar(select(func.count()).where(User.is_active)) or 0


async def find_users(session: Session, query: str) -> Sequence[UUID]:
    """Find whose login, e-mail address or id a word is: each is unique, so they are few."""
    key = fold(query)
    found = [User.login_key == key, User.email_key == key]
    with suppress(ValueError):
        found.append(User.id == UUID(query))
    return (await session.scalars(select(User.id).where(or_(*found)).order_by(User.id))).all()
