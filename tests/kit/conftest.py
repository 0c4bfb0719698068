"""A broker of each kind with an exchange of its own, and one table pair for outbox and inbox."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.kit import stage
from tests.kit.brokers import delete_topology
from theatre.kit.broker import Broker
from theatre.kit.broker.embedded import EmbeddedBroker
from theatre.kit.broker.rabbit import RabbitBroker
from theatre.kit.clock import SystemClock
from theatre.kit.db import sessions_of
from theatre.kit.migrations import migrate


@pytest.fixture(scope="session")
async def broker_database_url(postgres_url: str) -> str:
    """A database in which the embedded broker has its tables."""
    await migrate("broker", postgres_url)
    return postgres_url


@pytest.fixture
def exchange() -> str:
    """An exchange that no other test knows."""
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
async def rabbit(amqp_url: str, exchange: str) -> AsyncIterator[RabbitBroker]:
    """RabbitMQ; what the test declares in it is taken away again."""
    async with RabbitBroker(amqp_url, exchange=exchange) as broker:
        yield broker
    await delete_topology(amqp_url, exchange)


@pytest.fixture
async def embedded(broker_database_url: str, exchange: str) -> AsyncIterator[EmbeddedBroker]:
    """The embedded broker."""
    async with EmbeddedBroker(broker_database_url, exchange=exchange) as broker:
        yield broker


@pytest.fixture(params=["rabbit", "embedded"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each member of the broker port."""
    member: Broker = request.getfixturevalue(request.param)
    return member


@pytest.fixture(scope="session")
async def stage_database_url(postgres_url: str) -> str:
    """A database in which the stage has its tables."""
    engine = stage.open_engine(postgres_url)
    await stage.build(engine)
    await engine.dispose()
    return postgres_url


@pytest.fixture
async def resources(stage_database_url: str, broker: Broker) -> AsyncIterator[stage.Resources]:
    """The stage with empty tables and one of the brokers."""
    engine = stage.open_engine(stage_database_url)
    await stage.clear(engine)
    yield stage.Resources(engine, sessions_of(engine), SystemClock(), broker)
    await engine.dispose()
