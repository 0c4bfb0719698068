"""What a fresh installation needs: staff roles, the first superuser and, at home, two demo logins."""

from contextlib import suppress
from datetime import datetime

from theatre.auth import roles, users
from theatre.auth.errors import UserAlreadyExists
from theatre.auth.hashing import Hasher
from theatre.auth.models import User
from theatre.auth.names import Locale
from theatre.auth.passwords import check_policy
from theatre.auth.schemas import Registration
from theatre.auth.settings import AuthSettings
from theatre.kit.db import Sessions, transact, transaction

DEMO_LOGINS = {"admin": True, "viewer": False}


async def seed(sessions: Sessions, settings: AuthSettings, *, now: datetime) -> None:
    """Make what is missing; safe to repeat and to race. Accounts that exist are left as they are.

    Raises:
        WeakPassword: the superuser's.
        pydantic.ValidationError: the superuser's login, address or password cannot be one.
    """
    async with transaction(sessions) as session:
        await roles.seed(session, now=now)
    async with Hasher(settings) as hasher:
        if settings.superuser_login:
            with suppress(UserAlreadyExists):
                await add_superuser(sessions, hasher, superuser_of(settings), now=now)
        if settings.demo_users and settings.env != "production":
            await _add_demo_users(sessions, hasher, now=now)


def superuser_of(settings: AuthSettings) -> Registration:
    """Read the first superuser from the settings."""
    return Registration(
        login=settings.superuser_login,
        email=settings.superuser_email,
        password=settings.superuser_password.get_secret_value(),
    )


async def add_superuser(sessions: Sessions, hasher: Hasher, given: Registration, *, now: datetime) -> User:
    """Make an account that may do everything; its address counts as verified.

    Raises:
        UserAlreadyExists, WeakPassword
    """
    check_policy(given.password, login=given.login, email=given.email)
    account = users.Account(
        login=given.login,
        email=given.email,
        password_hash=await hasher.hash(given.password),
        locale=given.locale or Locale.RU,
        is_superuser=True,
        email_verified=True,
    )
    return await transact(sessions, lambda session: users.add(session, account, now=now))


async def _add_demo_users(sessions: Sessions, hasher: Hasher, *, now: datetime) -> None:
    for login, is_superuser in DEMO_LOGINS.items():
        # the password is the login: past the policy, on purpose
        account = users.Account(
            login=login,
            email=f"{login}@example.com",
            password_hash=await hasher.hash(login),
            locale=Locale.RU,
            is_superuser=is_superuser,
            email_verified=True,
        )
        async with transaction(sessions) as session:
            with suppress(UserAlreadyExists):
                await users.add(session, account, now=now)
