"""What is configured, what of it answers, and at which version; for whoever runs the house."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import aio_pika
import asyncpg
import httpx
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from sqlalchemy.engine import make_url

from theatre import __version__
from theatre.kit.errors import Transient
from theatre.kit.logging import MASK, SECRET_VALUES
from theatre.kit.settings import ServiceSettings
from theatre.movies.settings import MoviesSettings
from theatre.payment.settings import PaymentSettings

ANSWER_SECONDS = 5.0
AWAY = (OSError, asyncpg.PostgresError, RedisError, aio_pika.exceptions.AMQPError, httpx.HTTPError, Transient)

Ask = Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Finding:
    """What a dependency said, and whether that is good."""

    subject: str
    said: str
    is_good: bool


async def examine(parts: Mapping[str, ServiceSettings], site: str, console: Console) -> bool:
    """Show every setting and every dependency; True if all answer. `site` is where people reach the services."""
    console.print(f"online-theatre {__version__}")
    for name, settings in parts.items():
        console.print(settings_table(name, settings))
    questions = dict(question for settings in parts.values() for question in list_questions(settings))
    for address in [f"{site}/{name}/api/_ready" for name in parts]:
        questions[address] = partial(ask_service, address)
    findings = await asyncio.gather(*(find(subject, ask) for subject, ask in questions.items()))
    console.print(findings_table(findings))
    return all(finding.is_good for finding in findings)


def settings_table(name: str, settings: ServiceSettings) -> Table:
    """List the settings of one service and where they come from, secrets masked."""
    table = Table("setting", "value", "from", title=name, title_justify="left")
    for field, value in settings:
        source = "environment" if field in settings.model_fields_set else "default"
        table.add_row(field, masked(value), source)
    return table


def findings_table(findings: list[Finding]) -> Table:
    """List what was asked and what it said."""
    table = Table("asked", "said", "", title="dependencies", title_justify="left")
    for finding in findings:
        table.add_row(finding.subject, finding.said, "[green]OK" if finding.is_good else "[red]not good")
    return table


def masked(value: object) -> str:
    """Write a setting's value without what is secret in it."""
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    return SECRET_VALUES.sub(MASK, str(value))


def list_questions(settings: ServiceSettings) -> list[tuple[str, Ask]]:
    """Pair what a service needs with how to ask it; the same thing of two services has the same name."""
    questions: list[tuple[str, Ask]] = []
    named = settings.model_fields_set
    if "database_url" in named:
        questions.append((masked(settings.database_url), partial(ask_postgres, settings.database_url)))
    if "redis_url" in named:
        questions.append((masked(settings.redis_url), partial(ask_redis, settings.redis_url)))
    if settings.broker_url != "embedded":
        questions.append((masked(settings.broker_url), partial(ask_rabbit, settings.broker_url)))
    if isinstance(settings, PaymentSettings):
        questions.extend(list_providers(settings))
    if isinstance(settings, MoviesSettings) and settings.search_url:
        questions.append((masked(settings.search_url), partial(ask_search, settings.search_url)))
    return questions


def list_providers(settings: PaymentSettings) -> list[tuple[str, Ask]]:
    """Pair each payment system that is on, and that the environment says something about, with how to ask it."""
    from theatre.payment.app import ask_provider

    named = [
        name
        for name in settings.providers
        if "providers" in settings.model_fields_set
        or any(field.startswith(f"{name}_") for field in settings.model_fields_set)
    ]
    return [(f"payment system {name}", partial(ask_provider, settings, name)) for name in named]


async def find(subject: str, ask: Ask) -> Finding:
    """Ask one dependency."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return Finding(subject, await ask(), is_good=True)
    except AWAY as error:
        return Finding(subject, masked(error) or type(error).__name__, is_good=False)


async def ask_postgres(url: str) -> str:
    """Give the database's version."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address)
    try:
        return f"PostgreSQL {await connection.fetchval('SHOW server_version')}"
    finally:
        await connection.close()


async def ask_redis(url: str) -> str:
    """Give the cache's version."""
    async with Redis.from_url(url) as client:
        server = await client.info("server")
    return f"{server.get('server_name', 'redis')} {server['redis_version']}"


async def ask_rabbit(url: str) -> str:
    """Give the broker's version."""
    async with await aio_pika.connect(url) as connection:
        transport = connection.transport
    properties = transport.connection.server_properties if transport else {}
    return " ".join(str(properties.get(name)) for name in ("product", "version"))


async def ask_search(url: str) -> str:
    """Give the search's version."""
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
        answer = (await client.get(url)).raise_for_status().json()
    version = answer["version"]
    return f"{version.get('distribution', 'elasticsearch')} {version['number']}"


async def ask_service(address: str) -> str:
    """Tell whether a service is ready."""
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
        answer = await client.get(address)
    answer.raise_for_status()
    return "ready"
