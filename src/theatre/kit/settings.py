"""Settings of a service: read once, at the top (`cli`), then handed down as a frozen object.

A variable may be named for one service or for all: `BILLING_DATABASE_URL` wins over `THEATRE_DATABASE_URL`. Instead of
a variable a file of that name in lower case, `/run/secrets/billing_database_url`, may hold the value: that is where
containers get secrets. `THEATRE_SECRETS_DIR` names another folder.
"""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

HOUSE_PREFIX = "THEATRE_"
MIN_SECRET_CHARACTERS = 32


class SecretFiles(BaseSettings):
    """Where files with secrets lie; the folder need not be there."""

    model_config = SettingsConfigDict(env_prefix=HOUSE_PREFIX)

    secrets_dir: Path = Path("/run/secrets")


class ServiceSettings(BaseSettings):
    """What every service can be told. Subclasses set `service` and add their own.

    Durations are in seconds unless the name says otherwise.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    service: ClassVar[str]

    env: Literal["development", "production"] = "development"
    public_url: str = "http://127.0.0.1:8000"
    database_url: str = "postgresql://postgres@127.0.0.1:5432/theatre"
    database_pool_size: int = Field(5, ge=1, le=100)
    database_kept_connections: int = Field(
        100, ge=1, description="how many stay open when there is nothing to do"
    )
    redis_url: str = "redis://127.0.0.1:6379/0"
    broker_url: str = "embedded"
    broker_exchange: str = Field("theatre", pattern=r"^[a-z][a-z0-9_-]{0,40}$")
    broker_queue_type: Literal["classic", "quorum"] = "classic"
    auth_url: str = "http://127.0.0.1:8000"
    service_secret: SecretStr = SecretStr("")
    token_issuer: str = "theatre-auth"  # noqa: S105 - a name, not a password
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    otlp_endpoint: str = Field(
        "", validation_alias=AliasChoices("otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT")
    )
    sentry_dsn: str = Field("", validation_alias=AliasChoices("sentry_dsn", "SENTRY_DSN"))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the service's own variable or file, then the house's."""
        folder = SecretFiles().secrets_dir
        sources = [init_settings]
        for prefix in (f"{cls.service.upper()}_", HOUSE_PREFIX):
            sources.append(EnvSettingsSource(settings_cls, env_prefix=prefix))
            if folder.is_dir():
                sources.append(SecretsSettingsSource(settings_cls, folder, env_prefix=prefix))
        return tuple(sources)

    def check_production(self) -> None:
        """Refuse to run in production on a default or weak setting.

        Raises:
            InsecureSettings: names each setting at fault, never its value.
        """
        if self.env == "production" and (faults := self.production_faults()):
            raise InsecureSettings(self.service, faults)

    def production_faults(self) -> list[str]:
        """Name the settings that must not be used in production; subclasses add theirs."""
        faults = []
        if len(self.service_secret.get_secret_value()) < MIN_SECRET_CHARACTERS:
            faults.append("service_secret")
        if self.broker_url == "embedded":
            faults.append("broker_url")
        if not self.public_url.startswith("https://"):
            faults.append("public_url")
        return faults


class InsecureSettings(Exception):
    """A production start was refused; the message names settings, not values."""

    def __init__(self, service: str, names: list[str]) -> None:
        listed = ", ".join(f"{service.upper()}_{name.upper()}" for name in names)
        super().__init__(f"{service} will not start in production: missing, default or too weak: {listed}")
