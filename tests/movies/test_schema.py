"""Tables and settings of movies."""

import pytest
from alembic import command
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from theatre.kit.db import Session
from theatre.kit.migrations import config_for, migrate
from theatre.kit.settings import InsecureSettings
from theatre.movies.models import Base
from theatre.movies.settings import MoviesSettings


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


def test_production_shows_no_demo_films() -> None:
    production(demo_films=False).check_production()
    with pytest.raises(InsecureSettings, match="MOVIES_DEMO_FILMS"):
        production(demo_films=True).check_production()


def production(*, demo_films: bool) -> MoviesSettings:
    return MoviesSettings(
        env="production",
        service_secret=SecretStr("x" * 32),
        broker_url="amqp://broker.example",
        public_url="https://theatre.example",
        demo_films=demo_films,
        stream_secret=SecretStr("y" * 32),
    )
