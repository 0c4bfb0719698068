"""The bench of this run."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import skip_without
from tests.faults.bench import Bench, open_bench
from tests.services import Services


@pytest.fixture(scope="package")
async def bench(services: Services, redis_url: str, amqp_url: str) -> AsyncIterator[Bench]:
    """All roles on the servers of this run, with a database and an exchange of their own."""
    skip_without("PostgreSQL", services.postgres_url, services)
    async with open_bench(services.postgres_url, redis_url, amqp_url) as opened:
        yield opened
