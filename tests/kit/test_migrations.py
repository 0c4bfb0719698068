"""A schema's history: carried out whole or not at all, and safe to begin again."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from tests.conftest import skip_without
from tests.databases import fresh_database
from tests.services import Services
from theatre.kit.migrations import migrate

# in the middle of the first script: tables stand already
CUT_OFF = """
CREATE FUNCTION cut_off() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); END $$;
CREATE EVENT TRIGGER cut_off ON ddl_command_start WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION cut_off();
"""
TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'billing'"


async def test_a_migration_cut_off_in_the_middle_leaves_nothing_and_is_begun_again(
    services: Services,
) -> None:
    """K26"""
    skip_without("PostgreSQL", services.postgres_url, services)
    async with fresh_database(services.postgres_url) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(CUT_OFF)
        with pytest.raises(DBAPIError):
            await migrate("billing", url)
        assert await connection.fetchval(TABLES) == 0
        await connection.execute("DROP EVENT TRIGGER cut_off")
        await migrate("billing", url)
        assert await connection.fetchval("SELECT count(*) FROM billing.alembic_version") == 1
        await connection.close()
