"""Migrations of all services by one `env.py`: a schema, a role and a version table for each.

A service's scripts lie in `theatre/<service>/migrations/`. Whoever migrates owns the tables; the service's role may
read and write their rows, and a script takes away what it must not do (the ledger is append-only for it).
"""

import asyncio
from importlib.resources import files
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from theatre.kit.db import sqlstate

# Roles belong to the whole server: two databases being set up at the same moment meet here.
DUPLICATE_ROLE_SQLSTATES = frozenset({"42710", "23505", "XX000"})
SCRIPTS = {"broker": "theatre.kit.broker:migrations"}


async def migrate(schema: str, url: str, *, revision: str = "head") -> None:
    """Bring one schema to `revision`: role, schema, rights, then every missing script. Safe to repeat and to race."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await _make_role(connection, schema)
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": schema})
            await _make_schema(connection, schema)
            await connection.run_sync(_upgrade, schema, revision)
    finally:
        await engine.dispose()


async def _make_role(connection: AsyncConnection, schema: str) -> None:
    for attempt in range(5):
        found = await connection.scalar(
            text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": schema}
        )
        if found:
            break
        try:
            await connection.execute(text(f'CREATE ROLE "{schema}" NOLOGIN'))
            await connection.commit()
            break
        except DBAPIError as error:
            await connection.rollback()
            if sqlstate(error) not in DUPLICATE_ROLE_SQLSTATES:
                raise
            await asyncio.sleep(0.05 * (attempt + 1))
    member = await connection.scalar(
        text("SELECT pg_has_role(current_user, :name, 'member')"), {"name": schema}
    )
    if not member:
        await connection.execute(text(f'GRANT "{schema}" TO CURRENT_USER'))
    await connection.commit()


async def _make_schema(connection: AsyncConnection, schema: str) -> None:
    for statement in (
        f'CREATE SCHEMA IF NOT EXISTS "{schema}"',
        f'GRANT USAGE ON SCHEMA "{schema}" TO "{schema}"',
        f'ALTER DEFAULT PRIVILEGES IN SCHEMA "{schema}" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{schema}"',
        f'ALTER DEFAULT PRIVILEGES IN SCHEMA "{schema}" GRANT USAGE ON SEQUENCES TO "{schema}"',
    ):
        await connection.execute(text(statement))


def config_for(connection: Connection, schema: str, metadata: MetaData | None = None) -> Config:
    """Make Alembic's configuration for one schema on an open connection; `metadata` is needed to compare only."""
    config = Config()
    config.set_main_option("script_location", str(files("theatre.kit").joinpath("migrations")))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", SCRIPTS.get(schema, f"theatre.{schema}:migrations"))
    attributes: dict[str, Any] = {"connection": connection, "schema": schema, "metadata": metadata}
    config.attributes.update(attributes)
    return config


def _upgrade(connection: Connection, schema: str, revision: str) -> None:
    command.upgrade(config_for(connection, schema), revision)
