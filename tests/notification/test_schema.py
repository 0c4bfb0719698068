"""Tables and settings of notification."""

import pytest
from alembic import command
from pydantic import SecretStr, ValidationError
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tests.factories.production import sound
from theatre.kit.migrations import config_for, migrate
from theatre.kit.settings import InsecureSettings
from theatre.notification.models import Base
from theatre.notification.settings import NotificationSettings


async def test_models_equal_migrations(migrated_url: str) -> None:
    await migrate("notification", migrated_url)
    engine = create_async_engine(make_url(migrated_url).set(drivername="postgresql+asyncpg"))

    def check(connection: Connection) -> None:
        command.check(config_for(connection, "notification", Base.metadata))

    async with engine.connect() as connection:
        await connection.run_sync(check)
    await engine.dispose()


def test_the_mail_server_is_read_from_its_usual_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_URL", "smtp://user:secret@mail.example:2525")
    settings = NotificationSettings()
    assert settings.smtp_url.get_secret_value() == "smtp://user:secret@mail.example:2525"
    assert "secret@" not in repr(settings)
    assert not settings.has_mailbox


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://", "smtp://:25", "smtp://a:99999"]
)
def test_a_malformed_mail_server_stops_the_start(url: str) -> None:
    with pytest.raises(ValidationError):
        NotificationSettings(smtp_url=SecretStr(url))


@pytest.mark.parametrize("sender", ["", "nobody", "a@b@c", "x <y>"])
def test_a_malformed_sender_stops_the_start(sender: str) -> None:
    with pytest.raises(ValidationError):
        NotificationSettings(mail_from=sender)


def test_production_needs_a_mail_server_and_a_sender() -> None:
    NotificationSettings(**sound("notification", smtp_url="smtp://mail.example")).check_production()
    without = {
        name: value for name, value in sound("notification").items() if name not in {"smtp_url", "mail_from"}
    }
    with pytest.raises(InsecureSettings, match=r": SMTP_URL, NOTIFICATION_MAIL_FROM$"):
        NotificationSettings(**without).check_production()
