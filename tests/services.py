"""The real servers that tests run against: named in the environment, found on standard ports, or started.

`running_services` is for whoever begins a run: pytest, or `run_tests.sh watch`. Workers are told.
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.rabbitmq import RabbitmqError, running_rabbitmq, speaks_amqp
from theatre.kit.servers import Servers, ServersError

LOCAL_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
LOCAL_REDIS = "redis://127.0.0.1:6379/0"
LOCAL_AMQP = "amqp://guest:guest@127.0.0.1:5672/"
PROBE_SECONDS = 5
KEPT = Path(".test-services")


@dataclass(frozen=True)
class Services:
    """The addresses of one run; one that could not be had is empty and its `faults` say why."""

    postgres_url: str
    redis_url: str
    amqp_url: str
    faults: dict[str, str]


@asynccontextmanager
async def running_services() -> AsyncIterator[Services]:
    """Find the servers, start those that are missing, and stop at the end what was started."""
    found = {
        "PostgreSQL": os.environ.get("THEATRE_TEST_DATABASE_URL", "") or await find_postgres(),
        "Redis": os.environ.get("THEATRE_TEST_REDIS_URL", "") or await find_redis(),
        "RabbitMQ": os.environ.get("THEATRE_TEST_BROKER_URL", "") or await find_rabbitmq(),
    }
    starters = {"PostgreSQL": running_postgres, "Redis": running_valkey, "RabbitMQ": running_rabbitmq}
    faults: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for component in [name for name, url in found.items() if not url]:
            try:
                starter = starters[component](stack.enter_context(temporary_folder()))
                found[component] = await stack.enter_async_context(starter)
            except (ServersError, RabbitmqError) as error:
                faults[component] = str(error).splitlines()[0]
        yield Services(found["PostgreSQL"], found["Redis"], found["RabbitMQ"], faults)


@asynccontextmanager
async def running_postgres(home: Path) -> AsyncIterator[str]:
    """Start the embedded PostgreSQL and give its address."""
    async with Servers(home, with_valkey=False) as servers:
        yield servers.postgres_url


@asynccontextmanager
async def running_valkey(home: Path) -> AsyncIterator[str]:
    """Start the embedded Valkey and give its address."""
    async with Servers(home, with_postgres=False) as servers:
        yield servers.redis_url


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder that the servers' user can enter, and delete it at the end."""
    with tempfile.TemporaryDirectory(prefix="theatre-tests-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def find_postgres() -> str:
    """Give the local PostgreSQL's address if it lets us in, else nothing."""
    try:
        connection = await asyncpg.connect(LOCAL_POSTGRES, timeout=PROBE_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return ""
    await connection.close()
    return LOCAL_POSTGRES


async def find_redis() -> str:
    """Give the local Redis' address if it lets us in, else nothing."""
    async with Redis.from_url(LOCAL_REDIS, socket_timeout=PROBE_SECONDS) as client:
        try:
            await client.ping()
        except (OSError, RedisError):
            return ""
    return LOCAL_REDIS


async def find_rabbitmq() -> str:
    """Give the local RabbitMQ's address if there is one, else nothing."""
    return LOCAL_AMQP if await speaks_amqp(5672) else ""


async def keep_services() -> None:
    """Keep the servers until Ctrl-C, with their addresses where `run_tests.sh tests` looks for them."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with running_services() as services:
        KEPT.write_text(
            f"THEATRE_TEST_DATABASE_URL='{services.postgres_url}'\n"
            f"THEATRE_TEST_REDIS_URL='{services.redis_url}'\n"
            f"THEATRE_TEST_BROKER_URL='{services.amqp_url}'\n"
        )
        for component, fault in services.faults.items():
            print(f"No {component}: {fault}")
        print(
            f"{KEPT.read_text()}Ready: run ./run_tests.sh tests in another terminal; Ctrl-C stops.",
            flush=True,
        )
        try:
            await stopped.wait()
        finally:
            KEPT.unlink(missing_ok=True)


if __name__ == "__main__":
    asyncio.run(keep_services())
