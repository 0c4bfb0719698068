"""The open house, and visitors at its doors."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from tests.factories.house import OpenHouse
from tests.web.panel import MakeStaff, employ
from tests.web.visitor import Visitor


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


@pytest.fixture
async def make_staff(house: OpenHouse, make_visitor: Callable[[], Visitor]) -> MakeStaff:
    """Employs somebody for a role."""
    return lambda role: employ(house, make_visitor, role)
