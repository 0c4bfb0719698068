"""The open house, and visitors at its doors."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.factories.house import OpenHouse, open_test_house
from tests.web.visitor import Visitor


@pytest.fixture(scope="session")
async def house(
    postgres_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpenHouse]:
    home: Path = tmp_path_factory.mktemp("house")
    async with open_test_house(database_url=postgres_url, redis_url=redis_url, home=home) as house:
        yield house


@pytest.fixture
async def make_visitor(house: OpenHouse) -> AsyncIterator[Callable[[], Visitor]]:
    async with AsyncExitStack() as stack:

        def make() -> Visitor:
            visitor = Visitor(house.doors, house.url)
            stack.push_async_callback(visitor.http.aclose)
            return visitor

        yield make


@pytest.fixture
async def visitor(make_visitor: Callable[[], Visitor]) -> Visitor:
    """Somebody whom we do not know."""
    return make_visitor()


@pytest.fixture
async def member(make_visitor: Callable[[], Visitor]) -> Visitor:
    """Somebody with an account, signed in."""
    return await make_visitor().join()
