"""Faults that a tester switches on, each for a number of calls of the API or of notifications that its pattern fits."""

import asyncio
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from http import HTTPStatus
from uuid import UUID

import httpx
import orjson
from fastapi import Request, Response
from sqlalchemy import delete, select, update
from starlette.types import Receive, Scope, Send

from theatre.kit.db import Session, Sessions, transaction
from theatre.kit.ids import new_id
from theatre.kit.problems import problem_answer
from theatre.sandbox.errors import InjectedFailure, InjectedOverload, NoSuchObject
from theatre.sandbox.models import Fault, FaultKind
from theatre.sandbox.state import State, announce

PROCESSING_RETRY_MS = 1000
NOTIFICATION_KINDS = frozenset(
    {FaultKind.NOTIFICATION_LOST, FaultKind.NOTIFICATION_DUPLICATED, FaultKind.NOTIFICATION_LATE}
)
CALL_KINDS = frozenset(FaultKind) - NOTIFICATION_KINDS


class CutAnswer(Response):
    """An answer that ends in the middle, as when a connection is lost."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"id":"', "more_body": True})
        # servers close the connection at this; a client without a network in between sees it as it is
        raise httpx.ReadError("connection cut (injected fault)")


async def switch_on(
    session: Session, kind: FaultKind, *, method: str, path: str, count: int, delay_ms: int
) -> Fault:
    """Switch a fault on."""
    fault = Fault(id=new_id(), kind=kind, method=method, path=path, remaining=count, delay_ms=delay_ms)
    session.add(fault)
    await announce(session)
    return fault


async def list_all(session: Session) -> Sequence[Fault]:
    """List the faults that are still on."""
    return (await session.scalars(select(Fault).where(Fault.remaining > 0).order_by(Fault.id))).all()


async def switch_off(session: Session, fault_id: UUID | None = None) -> None:
    """Switch one fault off, or all.

    Raises:
        NoSuchObject
    """
    query = delete(Fault).returning(Fault.id)
    gone = (await session.scalars(query if fault_id is None else query.where(Fault.id == fault_id))).all()
    if fault_id is not None and not gone:
        raise NoSuchObject
    await announce(session)


async def take(session: Session, candidates: Iterable[Fault]) -> Fault | None:
    """Use up one count of the first candidate that still has one."""
    for fault in candidates:
        statement = update(Fault).where(Fault.id == fault.id, Fault.remaining > 0)
        left = await session.scalar(
            statement.values(remaining=Fault.remaining - 1).returning(Fault.remaining)
        )
        if left == 0:
            await announce(session)
        if left is not None:
            return fault
    return None


async def take_for_call(state: State, sessions: Sessions, *, method: str, path: str) -> Fault | None:
    """Give the fault that this call must suffer; costs nothing while none is on."""
    fitting = [
        fault
        for fault in state.faults
        if fault.kind in CALL_KINDS and fault.method in {"*", method} and fnmatchcase(path, fault.path)
    ]
    if not fitting:
        return None
    async with transaction(sessions) as session:
        return await take(session, fitting)


async def take_for_event(state: State, sessions: Sessions, event: str) -> Fault | None:
    """Give the fault that this notification must suffer; costs nothing while none is on."""
    fitting = [
        fault for fault in state.faults if fault.kind in NOTIFICATION_KINDS and fnmatchcase(event, fault.path)
    ]
    if not fitting:
        return None
    async with transaction(sessions) as session:
        return await take(session, fitting)


async def suffer_before(fault: Fault) -> Response | None:
    """Do what a fault does before the operation; an answer means that the operation must not happen.

    Raises:
        InjectedFailure, InjectedOverload
    """
    match fault.kind:
        case FaultKind.ERROR_BEFORE:
            raise InjectedFailure
        case FaultKind.TOO_MANY_REQUESTS:
            raise InjectedOverload
        case FaultKind.CUT_BEFORE:
            return CutAnswer()
        case FaultKind.DELAY:
            await asyncio.sleep(fault.delay_ms / 1000)
        case FaultKind.PROCESSING:
            body = {"type": "processing", "description": "injected fault", "retry_after": PROCESSING_RETRY_MS}
            return Response(orjson.dumps(body), HTTPStatus.ACCEPTED, media_type="application/json")
    return None


def suffer_after(fault: Fault, request: Request) -> Response | None:
    """Give the answer that hides what the operation did. Raising would undo it: it commits when its route returns."""
    if fault.kind == FaultKind.ERROR_AFTER:
        return problem_answer(InjectedFailure(), request=request)
    return CutAnswer() if fault.kind == FaultKind.CUT_AFTER else None
