"""Accounts: made, read and changed by their owners."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from theatre.auth import throttle, user_sessions
from theatre.auth.errors import NameTaken, UserAlreadyExists, UserNotFound, WrongPassword
from theatre.auth.models import EndReason, OutboxMessage, User
from theatre.auth.names import Locale, fold
from theatre.auth.passwords import check_policy
from theatre.auth.resources import Resources
from theatre.contracts.auth import UserRegistered
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
    return await transact(
        resources.sessions, lambda session: _add_and_tell(session, account, now=resources.now())
    )


async def refuse_taken(session: Session, *, login: str, email: str) -> None:
    """Spare a hash where names are taken; only `add` decides.

    Raises:
        UserAlreadyExists
    """
    taken = or_(User.login_key == fold(login), User.email_key == fold(email))
    if await session.scalar(select(User.id).where(taken).limit(1)):
        raise UserAlreadyExists


async def _add_and_tell(session: Session, account: Account, *, now: datetime) -> User:
    user = await add(session, account, now=now)
    fact = UserRegistered(user_id=user.id, login=user.login, locale=user.locale)
    emit(session, OutboxMessage, fact, aggregate_id=user.id, now=now)
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
    """Change the caller's account. A new password ends all sessions, a new address is unverified.

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
                session, principal, changes, proven=owner, password_hash=password_hash, now=resources.now()
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
    principal: Principal,
    changes: Changes,
    *,
    proven: User,
    password_hash: str,
    now: datetime,
) -> User:
    user = await user_sessions.get_owner(session, principal, lock=True)
    if changes.need_password and user.updated_at != proven.updated_at:
        raise WrongPassword("The account was changed meanwhile; try again.")
    if changes.login is not None:
        user.login, user.login_key = changes.login, fold(changes.login)
    if changes.email is not None and changes.email != user.email:
        user.email, user.email_key, user.email_verified = changes.email, fold(changes.email), False
    if changes.password is not None:
        user.password_hash = password_hash
        await user_sessions.revoke_all(session, user.id, reason=EndReason.PASSWORD_CHANGED, now=now)
    user.locale = changes.locale or user.locale
    if changes.need_password:
        user.updated_at = now
    await session.flush()
    return user


async def get_user(session: Session, user_id: UUID) -> User:
    """Read an account.

    Raises:
        UserNotFound
    """
    user = await session.get(User, user_id)
    if user is None:
        raise UserNotFound
    return user


async def find_users(session: Session, query: str) -> Sequence[UUID]:
    """Find whose login, e-mail address or id a word is: each is unique, so they are few."""
    key = fold(query)
    found = [User.login_key == key, User.email_key == key]
    with suppress(ValueError):
        found.append(User.id == UUID(query))
    return (await session.scalars(select(User.id).where(or_(*found)).order_by(User.id))).all()
