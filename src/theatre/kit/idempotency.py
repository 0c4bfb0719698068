"""Idempotency keys: a mutating request may come twice and counts once (CONTRACT 3).

The key row and the effect commit together, so there is no moment at which one exists without the other. A repeat gets
the stored answer byte for byte; the same key with other words is refused; nothing is kept of a 422 or of an answer
from 500 on.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy import LargeBinary, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column

from theatre.kit.clock import Clock
from theatre.kit.db import Session, Sessions, sqlstate, transact
from theatre.kit.errors import Conflict, Invalid, Problem
from theatre.kit.problems import MEDIA_TYPE, problem_answer
from theatre.kit.routing import read_json

T = TypeVar("T")

HEADER = "idempotency-key"
MAX_KEY_CHARACTERS = 128
KEEP = timedelta(hours=24)
ABANDONED = timedelta(seconds=60)
PURGE_BATCH = 5_000
LOCK_NOT_AVAILABLE = "55P03"


class KeyMissing(Problem):
    """This door creates something or moves money."""

    code = "idempotency.key_missing"
    status = 400
    title = "Send an Idempotency-Key header, new for each thing you want done"


class KeyInvalid(Problem):
    """The header is there but is no key."""

    code = "idempotency.key_invalid"
    status = 400
    title = "Idempotency-Key must be one header of 1 to 128 printable ASCII characters"


class KeyReused(Invalid):
    """The same key came with another request."""

    code = "idempotency.key_reused"
    title = "This Idempotency-Key was used for another request; nothing was done"


class InProgress(Conflict):
    """The twin of this request has not ended yet."""

    code = "idempotency.in_progress"
    title = "The same request is being carried out; ask again in a moment"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class IdempotencyColumns:
    """Columns of a service's table: `class IdempotencyKey(IdempotencyColumns, Base)`, named `idempotency_key`.

    `status` and `answer` are empty while the request is being carried out.
    """

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    locked_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)


Table = type[IdempotencyColumns]


class Flights:
    """Requests of this process that are being carried out: a twin waits for the first instead of for the database."""

    def __init__(self) -> None:
        self._flying: dict[tuple[UUID, str], tuple[bytes, asyncio.Future[Response | None]]] = {}

    async def join(self, once: "Once", carry_out: Callable[[], Awaitable[Response]]) -> Response:
        """Carry a request out, or give the answer of its twin that is being carried out.

        Raises:
            KeyReused: the same key is being used for another request.
        """
        name = (once.user_id, once.key)
        while (flight := self._flying.get(name)) is not None:
            fingerprint, landed = flight
            if fingerprint != once.fingerprint:
                raise KeyReused
            if (answer := await asyncio.shield(landed)) is not None:
                return repeated(answer.status_code, bytes(answer.body))
        landing: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        self._flying[name] = once.fingerprint, landing
        answer = None
        try:
            answer = await carry_out()
            return answer
        finally:
            del self._flying[name]
            landing.set_result(answer)


@dataclass(frozen=True)
class Once:
    """One request under its key: runs a verb at most once and gives the stored answer ever after."""

    request: Request
    sessions: Sessions
    table: Table
    flights: Flights
    clock: Clock
    user_id: UUID
    key: str
    fingerprint: bytes

    async def run(
        self,
        verb: Callable[[Session], Awaitable[T]],
        *,
        answer: Callable[[T], BaseModel],
        status: int = HTTPStatus.CREATED,
        shortcut: Callable[[], Awaitable[Response | None]] | None = None,
    ) -> Response:
        """Run `verb(session)` in the transaction that stores its answer; a twin waits for it and gets the same.

        A `shortcut` does the same in a cheaper way, or gives None, and then it has done nothing.

        Raises:
            KeyReused, InProgress, and what the verb raises with 422 or from 500 on.
        """

        async def carry_out() -> Response:
            quick = await shortcut() if shortcut is not None else None
            return quick or await self._run(verb, answer, status)

        return await self.flights.join(self, carry_out)

    async def _run(
        self, verb: Callable[[Session], Awaitable[T]], answer: Callable[[T], BaseModel], status: int
    ) -> Response:
        async def attempt(session: Session) -> Response:
            if not await self._claim(session):
                return self._replay(await self._stored(session))
            body = to_bytes(answer(await verb(session)))
            await self._store(session, status, body)
            return Response(body, status_code=status, media_type="application/json")

        try:
            return await transact(self.sessions, attempt)
        except Problem as problem:
            return await self._keep_refusal(problem)
        except DBAPIError as error:
            if sqlstate(error) == LOCK_NOT_AVAILABLE:
                raise InProgress from error
            raise

    async def run_across(
        self,
        verb: Callable[[], Awaitable[T]],
        *,
        answer: Callable[[T], BaseModel],
        status: int = HTTPStatus.OK,
    ) -> Response:
        """Run a verb that opens its own transactions and may call out between them; its own keys make it repeatable.

        If we die on the way, the same request may be carried out again after `ABANDONED`.

        Raises:
            KeyReused, InProgress, and what the verb raises with 422 or from 500 on.
        """
        async with self.sessions.begin() as session:
            claimed = await self._claim(session) or await self._take_over(session)
            stored = None if claimed else await self._stored(session)
        if stored is not None:
            return self._replay(stored)
        try:
            body = to_bytes(answer(await verb()))
        except Problem as problem:
            await self._release()
            return await self._keep_refusal(problem)
        except BaseException:
            await self._release()
            raise
        async with self.sessions.begin() as session:
            await self._store(session, status, body)
        return Response(body, status_code=status, media_type="application/json")

    async def _claim(self, session: Session) -> bool:
        statement = insert(self.table).values(self._row()).on_conflict_do_nothing()
        return bool((await session.execute(statement.returning(self.table.key))).scalar())

    async def _take_over(self, session: Session) -> bool:
        abandoned = update(self.table).where(
            *self._is_mine(),
            self.table.status.is_(None),
            self.table.fingerprint == self.fingerprint,
            self.table.locked_at < self.clock.now() - ABANDONED,
        )
        taken = abandoned.values(locked_at=self.clock.now()).returning(self.table.key)
        return bool((await session.execute(taken)).scalar())

    async def _stored(self, session: Session) -> IdempotencyColumns:
        statement = select(self.table).where(*self._is_mine())
        row = (await session.execute(statement)).scalar_one_or_none()
        if row is None:
            raise InProgress
        return row

    async def _store(self, session: Session, status: int, body: bytes) -> None:
        await session.execute(update(self.table).where(*self._is_mine()).values(status=status, answer=body))

    async def _release(self) -> None:
        async with self.sessions.begin() as session:
            await session.execute(delete(self.table).where(*self._is_mine(), self.table.status.is_(None)))

    async def _keep_refusal(self, problem: Problem) -> Response:
        # what asks to be tried again must not be answered from memory
        passing = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR or "Retry-After" in problem.headers
        if passing or isinstance(problem, Invalid):
            raise problem
        response = problem_answer(problem, request=self.request)
        row = {**self._row(), "status": response.status_code, "answer": bytes(response.body)}
        async with self.sessions.begin() as session:
            await session.execute(insert(self.table).values(row).on_conflict_do_nothing())
        return response

    def _replay(self, row: IdempotencyColumns) -> Response:
        if row.fingerprint != self.fingerprint:
            raise KeyReused
        if row.status is None or row.answer is None:
            raise InProgress
        return repeated(row.status, row.answer)

    def _row(self) -> dict[str, Any]:
        return {
            "user_id": self.user_id,
            "key": self.key,
            "fingerprint": self.fingerprint,
            "locked_at": self.clock.now(),
        }

    def _is_mine(self) -> tuple[Any, Any]:
        return self.table.user_id == self.user_id, self.table.key == self.key


def repeated(status: int, body: bytes) -> Response:
    """Give a stored answer once more."""
    media_type = MEDIA_TYPE if status >= HTTPStatus.BAD_REQUEST else "application/json"
    return Response(body, status, {"Idempotent-Replayed": "true"}, media_type)


def to_bytes(answer: BaseModel) -> bytes:
    """Write an answer as the bytes that will be sent now and at every repeat."""
    return answer.model_dump_json().encode()


def key_of(request: Request) -> str:
    """Read the key of a request.

    Raises:
        KeyMissing, KeyInvalid
    """
    given = request.headers.getlist(HEADER)
    if not given:
        raise KeyMissing
    key = given[0]
    if (
        len(given) > 1
        or not 1 <= len(key) <= MAX_KEY_CHARACTERS
        or not all(" " <= sign <= "~" for sign in key)
    ):
        raise KeyInvalid
    return key


async def fingerprint_of(request: Request) -> bytes:
    """Digest what is asked: method, path and the body with its names in order, so that key order does not matter.

    Raises:
        MalformedJson: also at a door that reads no body.
    """
    body = await request.body()
    canonical = json.dumps(read_json(body), sort_keys=True).encode() if body else b""
    return hashlib.sha256(
        b"\0".join([request.method.encode(), request.url.path.encode(), canonical])
    ).digest()


async def delete_old_keys(sessions: Sessions, table: Table, *, now: datetime) -> int:
    """Delete keys past their 24 hours, a bounded number at a time; give the number. A job of who has such a table."""
    schema, name = table.__table__.schema, table.__table__.name  # type: ignore[attr-defined]
    statement = text(
        f"DELETE FROM {schema}.{name} WHERE ctid = ANY(ARRAY("  # noqa: S608 - names of our own table
        f"SELECT ctid FROM {schema}.{name} WHERE locked_at < :before LIMIT :batch))"
    )
    deleted = 0
    while True:
        async with sessions.begin() as session:
            result = await session.execute(statement, {"before": now - KEEP, "batch": PURGE_BATCH})
        batch = int(result.rowcount)  # type: ignore[attr-defined]
        deleted += batch
        if batch < PURGE_BATCH:
            return deleted
