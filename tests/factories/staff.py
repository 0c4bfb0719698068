"""Staff of a house: accounts that were given a role, as `init auth` seeds them."""

from sqlalchemy import select

from theatre.auth import roles
from theatre.auth.models import User
from theatre.kit.db import open_engine, sessions_of, transaction


async def hire(postgres_url: str, login: str, role: str) -> None:
    """Give the account of a login a role; its next token says so."""
    engine = open_engine(postgres_url, role="auth", pool_size=1)
    try:
        async with transaction(sessions_of(engine)) as session:
            user_id = (await session.scalars(select(User.id).where(User.login == login))).one()
            await roles.grant(session, user_id=user_id, role=role)
    finally:
        await engine.dispose()
