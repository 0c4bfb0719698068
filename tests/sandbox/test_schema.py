"""Tables, settings and texts of the sandbox."""

import json
from importlib.resources import files

import pytest
from alembic import command
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from theatre.kit.migrations import config_for, migrate
from theatre.kit.settings import InsecureSettings
from theatre.sandbox.models import Base
from theatre.sandbox.settings import SandboxSettings


async def test_models_equal_migrations(database_url: str) -> None:
    await migrate("sandbox", database_url)
    engine = create_async_engine(make_url(database_url).set(drivername="postgresql+asyncpg"))

    def check(connection: Connection) -> None:
        command.check(config_for(connection, "sandbox", Base.metadata))

    async with engine.connect() as connection:
        await connection.run_sync(check)
    await engine.dispose()


def test_the_sandbox_never_runs_in_production() -> None:
    settings = SandboxSettings(
        env="production",
        service_secret="s" * 64,
        broker_url="amqp://broker",
        public_url="https://theatre.example",
    )
    with pytest.raises(InsecureSettings, match="SANDBOX_ENV"):
        settings.check_production()


def test_the_demo_shop_is_told_at_payment_service_unless_another_address_is_named() -> None:
    assert SandboxSettings(payment_url="http://payment:80").demo_notification_url == (
        "http://payment:80/payment/api/v1/callbacks/yookassa"
    )
    assert SandboxSettings(shop_notification_url="http://shop.example").demo_notification_url == (
        "http://shop.example"
    )


def test_both_languages_have_the_same_texts() -> None:
    folder = files("theatre.sandbox") / "texts"
    russian, english = (json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("ru", "en"))
    assert russian.keys() == english.keys()
    assert all(russian.values())
    assert all(english.values())
