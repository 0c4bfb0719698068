"""Tables and settings of short_link."""

import pytest
from alembic import command
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tests.factories.production import sound
from theatre.kit.migrations import config_for, migrate
from theatre.kit.settings import InsecureSettings
from theatre.short_link.models import Base
from theatre.short_link.settings import ShortLinkSettings


async def test_models_equal_migrations(database_url: str) -> None:
    await migrate("short_link", database_url)
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))

    def check(connection: Connection) -> None:
        command.check(config_for(connection, "short_link", Base.metadata))

    async with engine.connect() as connection:
        await connection.run_sync(check)
    await engine.dispose()


def test_hosts_are_read_from_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORT_LINK_ALLOWED_HOSTS", "yoomoney.ru, pay.example,")
    assert ShortLinkSettings().allowed_hosts == ("yoomoney.ru", "pay.example")


def test_production_allows_no_plain_http() -> None:
    ShortLinkSettings(**sound("short_link", allowed_hosts="pay.example")).check_production()
    with pytest.raises(InsecureSettings, match=r"SHORT_LINK_ALLOWED_HOSTS$"):
        ShortLinkSettings(**sound("short_link", allowed_hosts="http://pay.example")).check_production()
