"""Payment on a real database and Redis."""

import pytest

from theatre.kit.migrations import migrate


@pytest.fixture(scope="session")
async def database_url(postgres_url: str) -> str:
    for schema in ("payment", "broker"):
        await migrate(schema, postgres_url)
    return postgres_url
