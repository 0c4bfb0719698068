"""Billing's tables: equal to their migrations, and sound in the catalogue itself."""

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from theatre.billing.models import Base
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session
from theatre.kit.migrations import config_for, migrate
from theatre.kit.settings import InsecureSettings


async def test_models_equal_migrations(settings: BillingSettings) -> None:
    await migrate("billing", settings.database_url)
    engine = create_async_engine(make_url(settings.database_url).set(drivername="postgresql+asyncpg"))

    def check(connection: Connection) -> None:
        command.check(config_for(connection, "billing", Base.metadata))

    async with engine.connect() as connection:
        await connection.run_sync(check)
    await engine.dispose()


async def test_money_is_whole_minor_units_everywhere(session: Session) -> None:
    """M1: every `*_minor` column is bigint, and no column is of a type that rounds."""
    columns = await session.execute(
        text("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'billing'")
    )
    types = [(column.column_name, column.data_type) for column in columns]
    assert {kind for name, kind in types if name.endswith("_minor")} == {"bigint"}
    assert not {kind for _, kind in types} & {"real", "double precision", "money", "numeric"}


async def test_every_moment_knows_its_zone(session: Session) -> None:
    columns = await session.execute(
        text(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'billing' AND data_type = 'timestamp without time zone'"
        )
    )
    assert columns.all() == []


async def test_a_price_is_immutable(session: Session) -> None:
    with pytest.raises(Exception, match="a price is immutable"):
        await session.execute(text("UPDATE billing.price SET amount_minor = 1"))


async def test_the_role_sees_no_other_schema(session: Session) -> None:
    await session.execute(text("SELECT 1"))
    allowed = await session.scalar(text("SELECT has_schema_privilege(current_user, 'public', 'CREATE')"))
    assert allowed is False


def test_production_sells_no_demo_price_list() -> None:
    with pytest.raises(InsecureSettings, match="BILLING_PRICE_LIST"):
        BillingSettings(env="production").check_production()
