"""Doors for staff who keep things: who is there, what they make once, how what they do is written down."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Generic, Protocol, TypeVar
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from theatre.kit.access import Principal, having
from theatre.kit.audit import Act, Audit
from theatre.kit.clock import Clock
from theatre.kit.db import Session, Sessions, transact
from theatre.kit.idempotency import (
    HEADER,
    Flights,
    IdempotencyColumns,
    Once,
    fingerprint_of,
    key_of,
    to_bytes,
)


class Holding(Protocol):
    """What a service must hold for them."""

    @property
    def sessions(self) -> Sessions: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def flights(self) -> Flights: ...


H = TypeVar("H", bound=Holding)


@dataclass(frozen=True)
class Tables:
    """Where a service keeps what they do."""

    audit: Audit[Any]
    keys: type[IdempotencyColumns]


@dataclass(frozen=True)
class Editor(Generic[H]):
    """A member of staff at a door, with what the service holds."""

    id: UUID
    request: Request
    held: H
    tables: Tables

    @property
    def now(self) -> datetime:
        return self.held.clock.now()

    async def make(self, verb: Callable[[Session], Awaitable[BaseModel]]) -> Response:
        """Make something in a transaction, and give its answer; under an `Idempotency-Key`, if there is one, once."""
        if HEADER not in self.request.headers:
            made = await transact(self.held.sessions, verb)
            return Response(to_bytes(made), HTTPStatus.CREATED, media_type="application/json")
        once = Once(
            request=self.request,
            sessions=self.held.sessions,
            table=self.tables.keys,
            flights=self.held.flights,
            clock=self.held.clock,
            user_id=self.id,
            key=key_of(self.request),
            fingerprint=await fingerprint_of(self.request),
        )
        return await once.run(verb, answer=lambda made: made)

    async def record(
        self,
        session: Session,
        action: str,
        subject_id: UUID | str | None,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down, as the last thing of the transaction that does it, what this person did."""
        kind, subject = action.partition(".")[0], None if subject_id is None else str(subject_id)
        act = Act(
            self.id, action, kind, subject, self.request.scope["request_id"], before=before, after=after
        )
        await self.tables.audit.record(session, act, now=self.now)


def editor_having(right: str, tables: Tables) -> Callable[..., Awaitable[Editor[Any]]]:
    """Make the dependency that lets in staff with a right."""

    async def editor_of(request: Request, user: Annotated[Principal, Depends(having(right))]) -> Editor[Any]:
        if user.user_id is None:
            raise AssertionError("`having` lets only users in")
        return Editor(user.user_id, request, request.app.state.resources, tables)

    return editor_of
