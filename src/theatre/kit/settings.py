"""Settings of a service: read once, at the top (`cli`), then handed down as a frozen object.

A variable may be named for one service or for all: `BILLING_DATABASE_URL` wins over `THEATRE_DATABASE_URL`. Instead of
a variable a file of that name in lower case, `/run/secrets/billing_database_url`, may hold the value: that is where
containers get secrets. `THEATRE_SECRETS_DIR` names another folder.
"""

from collections import Counter
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from theatre.kit.strength import Secret

HOUSE_PREFIX = "THEATRE_"


class SecretFiles(BaseSettings):
    """Where files with secrets lie; the folder need not be there."""

    model_config = SettingsConfigDict(env_prefix=HOUSE_PREFIX)

    secrets_dir: Path = Path("/run/secrets")


class ServiceSettings(BaseSettings):
    """What every service can be told. Subclasses set `service`, add their own, and say of what stands here and they
    have no use for that it is `unused`.

    Durations are in seconds unless the name says otherwise.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    service: ClassVar[str]
    unused: ClassVar[Set[str]] = frozenset()

    env: Literal["development", "production"] = Field(
        "development", description="`production` refuses to start on what is default, weak or for tries only"
    )
    public_url: str = Field(
        "http://127.0.0.1:8000", description="where people reach the site; of `theatre up`, its own port"
    )
    database_url: Annotated[str, Secret()] = Field(
        "postgresql://postgres@127.0.0.1:5432/theatre", description="PostgreSQL"
    )
    database_pool_size: int = Field(5, ge=1, le=100, description="connections of one process, at most")
    database_kept_connections: int = Field(
        100, ge=1, description="how many of them stay open when there is nothing to do"
    )
    redis_url: Annotated[str, Secret()] = Field("redis://127.0.0.1:6379/0", description="Redis or Valkey")
    broker_url: Annotated[str, Secret()] = Field(
        "embedded", description="RabbitMQ (`amqp://…`, `amqps://…`), or `embedded`: in the database"
    )
    broker_exchange: str = Field(
        "theatre",
        pattern=r"^[a-z][a-z0-9_-]{0,40}$",
        description="exchange, and prefix of queues, at RabbitMQ",
    )
    broker_queue_type: Literal["classic", "quorum"] = Field(
        "classic", description="`quorum` for a cluster; a queue that exists keeps the type it was made with"
    )
    auth_url: str = Field("http://127.0.0.1:8000", description="auth, as this service reaches it")
    service_secret: SecretStr = Field(
        SecretStr(""),
        description="proves to other services who calls; one per service, see `service_clients` of auth",
    )
    token_issuer: str = Field("theatre-auth", description="`iss` of access tokens; the same everywhere")
    log_format: Literal["json", "text"] = Field("json", description="form of log lines")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="what is worth a log line; `debug` is refused in production"
    )
    metrics_host: str = Field(
        "127.0.0.1", description="address that metrics listen at; keep it from the outside"
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="port of metrics for Prometheus, inside only; 0 is off"
    )
    otlp_endpoint: str = Field(
        "",
        validation_alias=AliasChoices("otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="where traces go, by OTLP over HTTP; nowhere if empty",
    )
    sentry_dsn: str = Field(
        "",
        validation_alias=AliasChoices("sentry_dsn", "SENTRY_DSN"),
        description="where errors go; nowhere if empty",
    )

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

    @classmethod
    def secrets(cls) -> dict[str, Secret]:
        """Name the settings that hold a secret, each with what production asks of it."""
        found = {}
        for name, field in cls.model_fields.items():
            marks = [mark for mark in field.metadata if isinstance(mark, Secret)]
            if marks or SecretStr in (field.annotation, *get_args(field.annotation)):
                found[name] = marks[0] if marks else Secret()
        return found

    @classmethod
    def variable(cls, name: str) -> str:
        """Name the environment's variable of a setting."""
        alias = cls.model_fields[name].validation_alias
        return str(alias.choices[-1]) if isinstance(alias, AliasChoices) else f"{cls.service}_{name}".upper()

    def check_production(self) -> None:
        """Refuse to run in production on a default or weak setting.

        Raises:
            InsecureSettings: names each setting at fault, never its value.
        """
        if self.env != "production":
            return
        unused = self.list_unused()
        if faults := [name for name in dict.fromkeys(self.production_faults()) if name not in unused]:
            raise InsecureSettings(self.service, [self.variable(name) for name in faults])

    def list_unused(self) -> Set[str]:
        """Name the settings that nothing of this service looks at, set as it is."""
        return self.unused

    def production_faults(self) -> list[str]:
        """Name the settings that must not be used in production; subclasses add theirs. Those unused do not count."""
        checks = {
            "database_url": self.database_url.startswith("postgresql"),
            "public_url": self.public_url.startswith("https://"),
            "log_level": self.log_level != "debug",
        }
        named = (name for name, good in checks.items() if not good)
        return [*self._weak_secrets(), *self._repeated_secrets(), *self._default_addresses(), *named]

    def _weak_secrets(self) -> Iterator[str]:
        for name, secret in self.secrets().items():
            if not secret.accepts(getattr(self, name)):
                yield name

    def _repeated_secrets(self) -> Iterator[str]:
        held = {
            name: list(secret.secrets_in(getattr(self, name)))
            for name, secret in self.secrets().items()
            if name not in self.list_unused()
        }
        times = Counter(secret for secrets in held.values() for secret in secrets if secret)
        for name, secrets in held.items():
            if any(times[secret] > 1 for secret in secrets):
                yield name

    def _default_addresses(self) -> Iterator[str]:
        for name, field in type(self).model_fields.items():
            if name.endswith("_url") and field.default and getattr(self, name) == field.default:
                yield name


class InsecureSettings(Exception):
    """A production start was refused; the message names settings by their variables, not values."""

    def __init__(self, service: str, variables: list[str]) -> None:
        listed = ", ".join(variables)
        super().__init__(
            f"{service} will not start in production: missing, default, too weak or repeated: {listed}"
        )
