"""Engines."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from theatre.kit.db import open_engine


async def test_the_text_of_a_database_error_has_no_values(postgres_url: str) -> None:
    """What reaches a log may be read by many: no hash, no address."""
    engine = open_engine(postgres_url, role="postgres")
    with pytest.raises(DBAPIError) as caught:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1 / (length(:secret) - 6)"), {"secret": "sesame"})
    assert "sesame" not in str(caught.value)
    assert "sesame" not in repr(caught.value)
    await engine.dispose()
