"""A transaction whose COMMIT was carried out and never answered."""

from functools import partial

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.faults.bench import DATABASE
from tests.faults.conversations import Link, Postgres
from tests.faults.crossings import Moment, Trap, Watch
from tests.kit.proxy import Proxy
from theatre.kit.db import Session, open_engine, sessions_of, transact


async def test_a_transaction_of_unknown_fate_is_not_run_again(postgres_url: str) -> None:
    """F-D3: only the server's word that nothing was done (40001, 40P01) is a reason to repeat."""
    watch = Watch()
    lost = Trap(lambda crossing: crossing.kind == "commit", Moment.AFTER)

    async def count_one(session: Session) -> None:
        await session.execute(text("INSERT INTO public.lost_commit VALUES (1)"))

    database = await asyncpg.connect(postgres_url)
    await database.execute("CREATE TABLE lost_commit (number int)")
    async with Proxy(f"{postgres_url}?ssl=disable", partial(Postgres, Link(watch, "test", DATABASE))) as way:
        engine = open_engine(way.url, role="postgres")
        watch.begin(lost)
        with pytest.raises(DBAPIError):
            await transact(sessions_of(engine), count_one)
        await engine.dispose()
    assert lost.reached
    assert await database.fetchval("SELECT count(*) FROM lost_commit") == 1
    await database.execute("DROP TABLE lost_commit")
    await database.close()
