"""Idempotency keys: a mutating request may come twice and counts once (CONTRACT 3).

The key row and the effect commit together, so there is no moment at which one exists without the other. A repeat gets
the stored answer byte for byte; the same key with other words is refused; nothing is kept of a 422 or of an answer
from 500 on.
"""

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


@dataclass(frozen=True)
class Once:
    """One request under its key: runs a verb at most once and gives the stored answer ever after."""

    request: Request
    sessions: Sessions
    table: Table
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
    ) -> Response:
        """Run `verb(session)` in the transaction that stores its answer; a twin waits for it and gets the same.

        Raises:
            KeyReused, InProgress, and what the verb raises with 422 or from 500 on.
        """

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
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(problem, InProgress | Invalid):
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
        media_type = MEDIA_TYPE if row.status >= HTTPStatus.BAD_REQUEST else "application/json"
        replayed = {"Idempotent-Replayed": "true"}
        return Response(row.answer, status_code=row.status, media_type=media_type, headers=replayed)

    def _row(self) -> dict[str, Any]:
        return {
            "user_id": self.user_id,
            "key": self.key,
            "fingerprint": self.fingerprint,
            "locked_at": self.clock.now(),
        }

    def _is_mine(self) -> tuple[Any, Any]:
        return self.table.user_id == self.user_id, self.table.key == self.key


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
    """Digest what is asked: method, path and the body with its names in order, so that key order does not matter."""
    body = await request.body()
    canonical = json.dumps(json.loads(body), sort_keys=True).encode() if body else b""
    return hashlib.sha256(
        b"\0".join([request.method.encode(), request.url.path.encode(), canonical])
    ).digest()


async def delete_old_keys(sessions: Sessions, table: Table, *, now: datetime) -> int:
    """Delete keys past their 24 hours, a bounded number at a time; give the number. A job of every such service."""
    schema, name = table.__table__.schema, table.__table__.name  # type: ignore[attr-defined]
    statement = text(
        f"DELETE FROM {schema}.{name} WHERE ctid = ANY(ARRAY("  # noqa: S608 - names of our own table
        f"SELECT ctid FROM {schema}.{name} WHERE locked_at < :before LIMIT :batch))"
    )
    async with sessions.begin() as session:
        result = await session.execute(statement, {"before": now - KEEP, "batch": PURGE_BATCH})
    return int(result.rowcount)  # type: ignore[attr-defined]
