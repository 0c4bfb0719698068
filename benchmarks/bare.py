"""A bare transaction behind a bare door: what money doors of this machine and these libraries are measured by.

It does with the database what accepting one payment cannot do without: take a key, write a payment, two postings and a
message, store the answer; and nothing else: no token, no check, no other process.

python -m benchmarks.bare PORT
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from fastapi import FastAPI, Request
from sqlalchemy import text

from benchmarks.stage import Stage
from theatre.kit.db import open_engine, sessions_of

TABLES = (
    "CREATE ROLE bare",
    "CREATE SCHEMA bare AUTHORIZATION bare",
    "SET ROLE bare",
    "SET search_path TO bare",
    "CREATE TABLE taken_key (key uuid PRIMARY KEY, answer text)",
    "CREATE TABLE payment (id uuid PRIMARY KEY, user_id uuid NOT NULL, amount_minor bigint NOT NULL)",
    "CREATE INDEX ON payment (user_id)",
    "CREATE TABLE posting (payment_id uuid NOT NULL REFERENCES payment, position int, amount_minor bigint,"
    " PRIMARY KEY (payment_id, position))",
    "CREATE TABLE message (id uuid PRIMARY KEY, payment_id uuid NOT NULL, body text NOT NULL)",
)
CONNECTIONS = 16
PATH = "/bare"


def create_app() -> FastAPI:
    """Make the application; called by granian in its process."""
    engine = open_engine(os.environ["THEATRE_DATABASE_URL"], role="bare", pool_size=CONNECTIONS)
    sessions = sessions_of(engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.get(PATH)
    async def is_ready() -> dict[str, str]:
        return {}

    @app.post(PATH)
    async def accept(request: Request) -> dict[str, str]:
        words = await request.json()
        key, id, user_id = uuid4(), uuid4(), uuid4()
        async with sessions.begin() as session:
            for statement, values in (
                ("INSERT INTO taken_key VALUES (:key)", {"key": key}),
                ("INSERT INTO payment VALUES (:id, :user, 29900)", {"id": id, "user": user_id}),
                ("INSERT INTO posting VALUES (:id, 0, 29900)", {"id": id}),
                ("INSERT INTO posting VALUES (:id, 1, -29900)", {"id": id}),
                (
                    "INSERT INTO message VALUES (:key, :id, :body)",
                    {"key": key, "id": id, "body": str(words)},
                ),
                ("UPDATE taken_key SET answer = :answer WHERE key = :key", {"answer": str(id), "key": key}),
            ):
                await session.execute(text(statement), values)
        return {"id": str(id)}

    return app


async def launch(stage: Stage, port: int) -> None:
    """Serve it as a process of its own, as services are served, on tables of its own."""
    connection = await asyncpg.connect(stage.servers.postgres_url)
    await connection.execute(";".join(TABLES))
    await connection.close()
    await stage.launch("bare", [sys.executable, "-m", "benchmarks.bare", str(port)], port=port, ready=PATH)


if __name__ == "__main__":
    from granian.constants import Interfaces, Loops
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        "benchmarks.bare:create_app",
        factory=True,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        port=int(sys.argv[1]),
        log_level=LogLevels.warning,
    ).serve()
