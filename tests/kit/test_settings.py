"""Where settings come from: variables and files, of one service or of the house."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from theatre.auth.settings import AuthSettings
from theatre.billing.settings import BillingSettings
from theatre.notification.settings import NotificationSettings


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that secrets are read from."""
    monkeypatch.setenv("THEATRE_SECRETS_DIR", str(tmp_path))
    return tmp_path


def test_a_secret_may_lie_in_a_file_instead_of_a_variable(secrets: Path) -> None:
    (secrets / "billing_service_secret").write_text("of-a-file\n")
    assert BillingSettings().service_secret == SecretStr("of-a-file")


def test_a_file_of_the_house_is_for_every_service(secrets: Path) -> None:
    (secrets / "theatre_redis_url").write_text("redis://:word@redis:6379/0")
    assert {part().redis_url for part in (AuthSettings, BillingSettings)} == {"redis://:word@redis:6379/0"}


def test_what_is_said_of_one_service_wins_over_the_house_and_a_variable_over_its_file(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THEATRE_DATABASE_URL", "postgresql://house/variable")
    (secrets / "theatre_database_url").write_text("postgresql://house/file")
    assert BillingSettings().database_url == "postgresql://house/variable"
    (secrets / "billing_database_url").write_text("postgresql://billing/file")
    assert BillingSettings().database_url == "postgresql://billing/file"
    monkeypatch.setenv("BILLING_DATABASE_URL", "postgresql://billing/variable")
    assert BillingSettings().database_url == "postgresql://billing/variable"
    assert AuthSettings().database_url == "postgresql://house/variable"


def test_a_file_may_hold_json_and_a_name_without_prefix(secrets: Path) -> None:
    (secrets / "auth_service_clients").write_text('{"billing": "word"}')
    (secrets / "smtp_url").write_text("smtp://mail.example:25")
    assert AuthSettings().service_clients == {"billing": SecretStr("word")}
    assert NotificationSettings().smtp_url == SecretStr("smtp://mail.example:25")


def test_a_folder_that_is_not_there_is_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THEATRE_SECRETS_DIR", str(tmp_path / "nowhere"))
    assert BillingSettings().service_secret == SecretStr("")
