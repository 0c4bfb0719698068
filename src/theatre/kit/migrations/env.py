"""Alembic's environment, the same for every service; it runs on a connection it is given."""

from typing import Any

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
schema: str = context.config.attributes["schema"]


def belongs_to_schema(name: str | None, kind: str, parents: Any) -> bool:
    """Let comparison see this service's schema only."""
    if kind == "schema":
        return name == schema
    return not (kind == "table" and name == "alembic_version")


# Tables made by scripts that name no schema land in the service's own.
connection.execute(text(f'SET LOCAL search_path TO "{schema}"'))
connection.dialect.default_schema_name = "public"
context.configure(
    connection=connection,
    target_metadata=context.config.attributes["metadata"],
    version_table_schema=schema,
    include_schemas=True,
    include_name=belongs_to_schema,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
