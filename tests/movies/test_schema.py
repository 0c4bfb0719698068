"""Tables of movies."""

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from theatre.kit.db import Session
from theatre.kit.migrations import config_for, migrate
from theatre.movies.models import Base


async def test_models_equal_migrations(migrated_url: str) -> None:
    await migrate("movies", migrated_url)
    engine = create_async_engine(make_url(migrated_url).set(drivername="postgresql+asyncpg"))

    def check(connection: Connection) -> None:
        command.check(config_for(connection, "movies", Base.metadata))

    async with engine.connect() as connection:
        await connection.run_sync(check)
    await engine.dispose()


@pytest.mark.parametrize(
    "change", ["UPDATE movies.audit_record SET number = 2", "DELETE FROM movies.audit_record"]
)
async def test_what_staff_did_cannot_be_changed(session: Session, change: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with session.begin_nested():
            await session.execute(text(change))
