"""What every test may ask for: a PostgreSQL, a Redis, a RabbitMQ.

Only who asks gets, and only who asks is skipped for want of one; the last lines of a run say what that cost.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

import pytest
import structlog

from tests.databases import fresh_database, own_redis_database
from tests.factories.house import OpenHouse, open_test_house
from tests.services import Services, running_services

MISSING = "missing component: "
SERVICES = pytest.StashKey[Services]()
HOUSEKEEPING = pytest.StashKey["Housekeeping"]()


class Housekeeping:
    """Keeps the servers of a run, on an event loop of its own, for the process that began the run."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.services = self.runner.run(self.stack.enter_async_context(running_services()))
        asyncio.set_event_loop(None)

    def close(self) -> None:
        """Stop what this run started."""
        self.runner.run(self.stack.aclose())
        self.runner.close()


def pytest_configure() -> None:
    """Let idle applications of many suites keep one connection each: servers found on a machine allow a hundred."""
    os.environ.setdefault("THEATRE_DATABASE_KEPT_CONNECTIONS", "1")


def is_worker(config: pytest.Config) -> bool:
    """Tell a worker of a parallel run from the process that began the run."""
    return hasattr(config, "workerinput")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Find or start the servers once for a run; a worker is told their addresses."""
    config = session.config
    if is_worker(config):
        config.stash[SERVICES] = Services(**json.loads(config.workerinput["services"]))  # type: ignore[attr-defined]
    elif not config.option.collectonly:
        config.stash[HOUSEKEEPING] = Housekeeping()
        config.stash[SERVICES] = config.stash[HOUSEKEEPING].services


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker the addresses."""
    node.workerinput["services"] = json.dumps(asdict(node.config.stash[SERVICES]))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this run started, and say last of all which components it lacked and what that cost."""
    if HOUSEKEEPING in config.stash:
        config.stash[HOUSEKEEPING].close()
        report_missing(config.pluginmanager.getplugin("terminalreporter"))


def report_missing(reporter: pytest.TerminalReporter | None) -> None:
    """Name each component that could not be had, with the number of tests that it cost."""
    if reporter is None:
        return
    reasons = [report.longrepr[2] for report in reporter.stats.get("skipped", [])]
    costs = Counter(reason.split(MISSING)[1] for reason in reasons if MISSING in reason)
    for component, count in sorted(costs.items()):
        reporter.write_line(f"NOT TESTED: {count} skipped for want of {component}", yellow=True)


def skip_without(component: str, url: str, services: Services) -> None:
    """Skip who asked for a component that could not be had."""
    if not url:
        pytest.skip(f"{MISSING}{component} ({services.faults.get(component, 'no reason known')})")


@pytest.fixture(scope="session")
def services(pytestconfig: pytest.Config) -> Services:
    """The servers of this run."""
    return pytestconfig.stash[SERVICES]


@pytest.fixture(scope="session")
async def postgres_url(services: Services) -> AsyncIterator[str]:
    """An empty PostgreSQL database of this worker's own."""
    skip_without("PostgreSQL", services.postgres_url, services)
    async with fresh_database(services.postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
async def redis_url(services: Services) -> AsyncIterator[str]:
    """A Redis database of this worker's own, empty at first; a test may flush it."""
    skip_without("Redis", services.redis_url, services)
    async with own_redis_database(services.redis_url) as url:
        yield url


@pytest.fixture(scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenHouse]:
    """The whole house of this worker, with PostgreSQL and Valkey of its own."""
    async with open_test_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="session")
def amqp_url(services: Services) -> str:
    """A RabbitMQ, shared by all workers: exchanges and queues need names of one's own."""
    skip_without("RabbitMQ", services.amqp_url, services)
    return services.amqp_url


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Log exceptions as text: structlog's own default draws every local variable, which takes seconds."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ]
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """End with the tests of the whole house: until somebody asks for it, it takes nobody's time."""
    items.sort(key=lambda item: "house" in getattr(item, "fixturenames", ()))
