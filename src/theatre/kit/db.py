"""PostgreSQL: engine, transactions and the types that tables are made of.

Every service works in its own schema under its own role, both named like the service: whoever logs in becomes that
role at connect time, so a service cannot touch another's tables nor change its own append-only ones.
"""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
import orjson
from fastapi import Depends, Request
from sqlalchemy import BigInteger, Integer, MetaData, Text, TextClause, event, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import mapped_column
from sqlalchemy.pool import ConnectionPoolEntry

from theatre.kit.errors import Transient
from theatre.kit.settings import ServiceSettings
from theatre.kit.telemetry import NO_STEP, begin, call, is_exporting

Session: TypeAlias = AsyncSession
Sessions: TypeAlias = async_sessionmaker[AsyncSession]
Engine: TypeAlias = AsyncEngine
T = TypeVar("T")

# 40001 serialization failure, 40P01 deadlock: the whole transaction may simply be run again.
RETRYABLE_SQLSTATES = frozenset({"40001", "40P01"})
# The server is away, restarting, full, locked, read-only or cancelled us: the same request may come again.
TRANSIENT_SQLSTATE_CLASSES = ("08", "25", "40", "53", "55", "57", "58")
MAX_TRANSACTION_TRIES = 3
IDLE_SECONDS = 1.0
TURN_SECONDS = 0.1
MAX_STATEMENT_CHARACTERS = 1_000
FIRST_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+((?:\w+\.)?\w+)")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Big = Annotated[int, mapped_column(BigInteger)]
TYPES: dict[Any, Any] = {
    str: Text,
    int: Integer,
    UUID: PgUuid(as_uuid=True),
    datetime: TIMESTAMP(timezone=True),
    dict[str, Any]: JSONB,
    list[str]: JSONB,
}


def metadata(schema: str) -> MetaData:
    """Make the table catalogue of one service; constraint names follow `NAMING`."""
    return MetaData(schema=schema, naming_convention=NAMING)


def open_own_engine(settings: ServiceSettings) -> AsyncEngine:
    """Open the pool of a service as its settings say, under the role named like it."""
    return open_engine(
        settings.database_url,
        role=settings.service,
        pool_size=settings.database_pool_size,
        kept=settings.database_kept_connections,
    )


def open_engine(
    url: str, *, role: str, pool_size: int = 5, kept: int | None = None, pool_timeout_seconds: float = 5
) -> AsyncEngine:
    """Open a pool whose connections act as `role`, with time limits on statements, locks and idle transactions.

    `url` is `postgresql://user:password@host:port/name`, or `postgresql://user@/name?host=/socket/folder`. At most
    `pool_size` connections are open, and `kept` of them (all, if not said) stay open when there is nothing to do.
    """
    kept = pool_size if kept is None else min(kept, pool_size)
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=kept,
        max_overflow=pool_size - kept,
        pool_timeout=pool_timeout_seconds,
        # else the text of an error, and so the log, would carry addresses, hashes and links
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": pool_timeout_seconds,
            "server_settings": {
                "role": role,
                "application_name": f"theatre-{role}",
                "search_path": role,
                "timezone": "UTC",
                "statement_timeout": "10s",
                "lock_timeout": "5s",
                "idle_in_transaction_session_timeout": "30s",
                "jit": "off",
            },
        },
    )
    if is_exporting():
        _trace_statements(engine)
    _ping_when_idle(engine)
    _throw_away_when_confused(engine)
    return engine


def _trace_statements(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def begin_step(connection: Any, _: Any, statement: str, *__: Any) -> None:
        connection.info["step"] = begin(summary_of(statement), _known(statement))

    @event.listens_for(engine.sync_engine, "after_cursor_execute")
    def end_step(connection: Any, *_: Any) -> None:
        connection.info.pop("step", NO_STEP).end()

    @event.listens_for(engine.sync_engine, "handle_error")
    def fail_step(context: ExceptionContext) -> None:
        if context.connection is not None:
            step = context.connection.info.pop("step", NO_STEP)
            step.fail(type(context.original_exception).__name__)
            step.end()


def _known(statement: str) -> dict[str, str]:
    """Give what a span may say of a statement: its text has placeholders, its values are nobody's business."""
    return {
        "db.system.name": "postgresql",
        "db.query.text": statement[:MAX_STATEMENT_CHARACTERS],
    }


@lru_cache(maxsize=1024)
def summary_of(statement: str) -> str:
    """Name a statement by its verb and its first table."""
    words = statement.split(maxsplit=1)
    table = FIRST_TABLE.search(statement)
    return " ".join([*(word.upper() for word in words[:1]), *(table.groups() if table else ())])


def _ping_when_idle(engine: AsyncEngine) -> None:
    """Find connections that died while they lay in the pool; busy ones would pay a round trip each time for nothing."""

    @event.listens_for(engine.sync_engine, "checkin")
    def note(_: Any, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def ping_idle(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - record.info.get("idle_since", time.monotonic()) < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error


def _throw_away_when_confused(engine: AsyncEngine) -> None:
    """Count a connection as lost when the driver has lost its way on it, as it does between a server's last words and
    its hanging up.
    """

    @event.listens_for(engine.sync_engine, "handle_error")
    def lose(context: ExceptionContext) -> None:
        if isinstance(context.original_exception.__cause__, asyncpg.InternalClientError):
            context.is_disconnect = True


def sessions_of(engine: AsyncEngine) -> Sessions:
    """Make the session factory of an engine; objects stay readable after their commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def transaction(sessions: Sessions) -> AsyncIterator[Session]:
    """Open one transaction: commit at the end, roll back on any exception. No network call belongs inside."""
    async with sessions.begin() as session:
        yield session


@asynccontextmanager
async def turn(sessions: Sessions, name: str, *, wait_seconds: float = 0.0) -> AsyncIterator[bool]:
    """Take a turn that only one process has at a time, by a lock of the database; True if it is ours.

    No transaction is open meanwhile, so that one may call out. Who loses the connection loses the turn.
    """
    lock, unlock = (
        text(f"SELECT {word}(hashtext(:name))") for word in ("pg_try_advisory_lock", "pg_advisory_unlock")
    )
    deadline = time.monotonic() + wait_seconds
    async with sessions.kw["bind"].connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        while not (is_ours := bool(await connection.scalar(lock, {"name": name}))):
            if time.monotonic() >= deadline:
                break
            await asyncio.sleep(TURN_SECONDS)
        try:
            yield is_ours
        finally:
            if is_ours:
                await _end_turn(connection, unlock, name)


async def _end_turn(connection: AsyncConnection, unlock: TextClause, name: str) -> None:
    try:
        await connection.execute(unlock, {"name": name})
    except BaseException:
        # whoever got it from the pool would have the turn without knowing
        await connection.invalidate()
        raise


@asynccontextmanager
async def rehearsal(sessions: Sessions) -> AsyncIterator[Session]:
    """Open a transaction that ends as if it had never been: to learn what something would do, by doing it."""
    async with sessions() as session:
        yield session


async def transact(sessions: Sessions, verb: Callable[[Session], Awaitable[T]]) -> T:
    """Run `verb(session)` as one transaction; on deadlock or serialization failure run all of it again."""
    for attempt in range(1, MAX_TRANSACTION_TRIES + 1):
        try:
            async with sessions.begin() as session:
                return await verb(session)
        except DBAPIError as error:
            if sqlstate(error) not in RETRYABLE_SQLSTATES or attempt == MAX_TRANSACTION_TRIES:
                raise
            await asyncio.sleep(random.uniform(0.01, 0.05) * attempt)
    raise AssertionError("unreachable")


async def fetch_row(engine: Engine, statement: str, *arguments: object) -> Any:
    """Run one statement as one transaction of its own and give its first row or None.

    For the few hot ways that measurement asks for: it goes past the ORM to the driver's prepared statements
    (`$1` placeholders), on a connection of the same pool.

    Raises:
        Transient: the database is away, busy or cut the answer; the statement may or may not have been carried out.
    """
    return await _on_driver(engine, statement, lambda driver: driver.fetchrow(statement, *arguments))


async def fetch_rows(engine: Engine, statement: str, *arguments: object) -> Sequence[Any]:
    """Run one statement as `fetch_row` does, and give all of its rows.

    Raises:
        Transient: the database is away or busy.
    """
    rows: Sequence[Any] = await _on_driver(
        engine, statement, lambda driver: driver.fetch(statement, *arguments)
    )
    return rows


async def _on_driver(engine: Engine, statement: str, ask: Callable[[Any], Awaitable[Any]]) -> Any:
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        try:
            with call(summary_of(statement), _known(statement)):
                return await ask(raw.driver_connection)
        except (
            asyncpg.PostgresConnectionError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
            OSError,
        ) as error:
            await connection.invalidate()
            raise Transient from error
        except asyncpg.PostgresError as error:
            if is_transient(error.sqlstate):
                raise Transient from error
            raise


def is_transient(state: str | None) -> bool:
    """Tell whether a database error says nothing about the request: without a code the connection itself broke."""
    return state is None or state.startswith(TRANSIENT_SQLSTATE_CLASSES)


def sqlstate(error: BaseException) -> str | None:
    """Give the PostgreSQL error code behind a SQLAlchemy error, if the server said one."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


async def ping(engine: AsyncEngine) -> None:
    """Ask the database for a sign of life; for readiness checks."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


async def open_session(request: Request) -> AsyncIterator[Session]:
    """Give a route its transaction; it commits before the answer is sent."""
    async with request.app.state.resources.sessions.begin() as session:
        yield session


# scope="function": with FastAPI's default scope a commit that fails would still answer 200
InTransaction = Annotated[Session, Depends(open_session, scope="function")]
