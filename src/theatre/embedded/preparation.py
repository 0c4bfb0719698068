"""Making the house's databases ready: schemas and reference data. Quick where nothing is missing."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from theatre.embedded.settings import HouseSettings
from theatre.kit.broker import release_claims
from theatre.kit.migrations import config_for, migrate
from theatre.kit.settings import ServiceSettings
from theatre.registry import BY_NAME

Say = Callable[[str], None]


async def prepare(house: HouseSettings, parts: Mapping[str, ServiceSettings], *, say: Say) -> None:
    """Bring every schema to its head and write the reference data; safe to repeat."""
    schemas = {name: part.database_url for name, part in parts.items() if BY_NAME[name].has_schema}
    is_broker_embedded = house.broker_url == "embedded"
    if is_broker_embedded:
        schemas["broker"] = house.database_url
    # one after the other: Alembic keeps its context in module globals
    for schema in await list_behind(schemas):
        say(f"tables of {schema}")
        await migrate(schema, schemas[schema])
    if is_broker_embedded:
        await release_claims(house.database_url)
    say("reference data")
    await asyncio.gather(*(BY_NAME[name].seed(part) for name, part in parts.items()))


async def list_behind(schemas: Mapping[str, str]) -> list[str]:
    """Name the schemas that are absent or not at the head of their scripts."""
    databases = defaultdict(list)
    for schema, url in schemas.items():
        databases[url].append(schema)
    behind = []
    for url, names in databases.items():
        engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
        async with engine.connect() as connection:
            behind += await connection.run_sync(select_behind, names)
    return behind


def select_behind(connection: Connection, schemas: Sequence[str]) -> list[str]:
    """Choose those schemas of one database that are not at the head of their scripts."""
    behind = []
    for schema in schemas:
        head = ScriptDirectory.from_config(config_for(connection, schema)).get_current_head()
        context = MigrationContext.configure(connection, opts={"version_table_schema": schema})
        if context.get_current_revision() != head:
            behind.append(schema)
    return behind
