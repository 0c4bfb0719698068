"""What is counted with a transaction is counted when that is committed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry, Counter

from theatre.kit import db
from theatre.kit.ids import new_id
from theatre.kit.metrics import age_seconds, on_commit


@pytest.fixture
async def sessions(stage_database_url: str) -> AsyncIterator[db.Sessions]:
    engine = db.open_engine(stage_database_url, role="stage")
    yield db.sessions_of(engine)
    await engine.dispose()


@pytest.fixture
def counter() -> Counter:
    return Counter("things", "Of this test.", registry=CollectorRegistry())


def value_of(counter: Counter) -> float:
    return next(sample.value for family in counter.collect() for sample in family.samples)


async def test_a_commit_counts_once(sessions: db.Sessions, counter: Counter) -> None:
    async with db.transaction(sessions) as session:
        on_commit(session, counter, 39_900)
        assert value_of(counter) == 0
    assert value_of(counter) == 39_900


async def test_a_rollback_does_not_count(sessions: db.Sessions, counter: Counter) -> None:
    async def fail() -> None:
        async with db.transaction(sessions) as session:
            on_commit(session, counter)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with db.transaction(sessions):
        pass
    assert value_of(counter) == 0


def test_a_message_tells_its_age_by_its_id() -> None:
    now = datetime.now(UTC)
    assert 59 < age_seconds(new_id(), now=now + timedelta(minutes=1)) < 61
    assert age_seconds(new_id(), now=now - timedelta(minutes=1)) == 0
    assert age_seconds(uuid4(), now=now) == 0
