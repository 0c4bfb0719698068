"""Models and migrations say the same."""

from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine

from theatre.auth.models import Base
from theatre.kit.migrations import config_for


async def test_the_models_equal_the_migrations(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: command.check(config_for(sync, "auth", Base.metadata)))
    await engine.dispose()
