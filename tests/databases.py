"""A worker's own corner of the run's servers: a database of PostgreSQL, a numbered database of Redis."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
from redis.asyncio import Redis

REDIS_DATABASES = 16


@asynccontextmanager
async def fresh_database(server_url: str) -> AsyncIterator[str]:
    """Give the address of an empty database with a name that nobody has, and drop it at the end."""
    name = f"theatre_test_{uuid4().hex}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.close()


async def empty_tables(owner: asyncpg.Connection, schema: str, *, kept: Collection[str] = ()) -> None:
    """Delete every row of a schema, also what only grows, but for `kept` tables and the note of migrations.

    Jobs do what is due for everybody, at most a batch at once: what other tests left would be theirs to do first.
    """
    names = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
    deletes = [
        f'DELETE FROM "{schema}"."{name}"' for (name,) in names if name not in {"alembic_version", *kept}
    ]
    async with owner.transaction():
        await owner.execute("SET LOCAL session_replication_role = replica")
        await owner.execute(";".join(deletes))


@asynccontextmanager
async def own_redis_database(server_url: str) -> AsyncIterator[str]:
    """Give the address of an empty numbered database that no other test process uses; empty it at the end.

    Raises:
        LookupError: each one is used by others or holds what tests did not write.
    """
    for number in range(REDIS_DATABASES - 1, 0, -1):
        url = numbered(server_url, number)
        with open_claim(url) as claim, suppress(BlockingIOError):
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            async with Redis.from_url(url) as client:
                # a claim with words in it is an earlier run's: what is left there is ours to delete
                if claim.tell() == 0 and await client.dbsize() > 0:
                    continue
                claim.write("used by tests\n")
                claim.flush()
                await client.flushdb()
                yield url
                await client.flushdb()
                return
    raise LookupError("no free database in Redis")


def numbered(server_url: str, number: int) -> str:
    """Give the address of one numbered database."""
    if server_url.startswith("unix://"):
        return f"{server_url}?db={number}"
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{number}"))


def open_claim(url: str) -> TextIO:
    """Open the file whose lock says that a process of this machine uses the database."""
    folder = Path(tempfile.gettempdir()) / f"theatre-tests-claims-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return (folder / hashlib.sha256(url.encode()).hexdigest()[:16]).open("a+")
