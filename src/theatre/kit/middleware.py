"""Pure ASGI middleware of every service: request context with its headers and log line, and the limit on bodies."""

import asyncio
import re
import time
from typing import Any

import structlog
from fastapi import Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from theatre.kit.errors import Problem
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.metrics import HTTP_REQUESTS
from theatre.kit.problems import problem_answer
from theatre.kit.telemetry import Attributes, Kind, Step, serving, span

log = get_logger(__name__)

REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
MAX_BODY_BYTES = 1024 * 1024
MAX_DRAINED_BYTES = 8 * 1024 * 1024
BODY_TIMEOUT_SECONDS = 10
SERVER_ERROR = 500
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# anybody can make up a path or a method
UNKNOWN = "unknown"


class BodyTooLarge(Problem):
    """More than a door reads."""

    code = "kit.body_too_large"
    status = 413
    title = "The body is larger than 1 MiB"


class BodyTooSlow(Problem):
    """The body did not arrive in time."""

    code = "kit.body_too_slow"
    status = 408
    title = "The body did not arrive within 10 seconds"


class ClientGone(Exception):
    """The client went away before its body was complete: there is nobody to answer and nothing to do."""


class RequestContext:
    """Takes or makes the request id and the trace, adds the headers of every answer, writes one line per request."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(new_id())
        scope["request_id"] = request_id
        attributes = {"http.request.method": scope["method"], "theatre.request_id": request_id}
        with (
            serving(self.service),
            structlog.contextvars.bound_contextvars(request_id=request_id),
            span(
                scope["method"], headers.get("traceparent"), kind=Kind.SERVER, attributes=attributes
            ) as step,
        ):
            await self._answer(scope, receive, send, step=step)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, *, step: Step) -> None:
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                add_headers(message, scope["request_id"])
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            elapsed = time.perf_counter() - started
            elapsed_ms = round(elapsed * 1000, 1)
            log.info(
                "request", method=scope["method"], path=scope["path"], status=status, elapsed_ms=elapsed_ms
            )
            route = route_of(scope)
            known: Attributes = {"http.route": route, "http.response.status_code": status}
            step.note(known, name=f"{scope['method']} {route}")
            if status >= SERVER_ERROR:
                step.fail(str(status))
            method = scope["method"] if scope["method"] in METHODS else UNKNOWN
            HTTP_REQUESTS.labels(self.service, method, route, status).observe(elapsed)


def route_of(scope: Scope) -> str:
    """Give the template that a request's path matched: paths themselves are many, and may hold what is secret."""
    return str(getattr(scope.get("route"), "path", UNKNOWN))


def add_headers(message: Message, request_id: str) -> None:
    """Put on an answer what every answer has, leaving what its route has set."""
    headers = MutableHeaders(scope=message)
    headers["X-Request-Id"] = request_id
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Referrer-Policy", "no-referrer")


class BodyLimit:
    """Reads bodies before the route does, so that too large and too slow ones get an answer the client can read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                body = await read_body(receive)
        except ClientGone:
            return
        except TimeoutError:
            await refusal(BodyTooSlow(), scope)(scope, receive, send)
            return
        except BodyTooLarge as problem:
            await refusal(problem, scope)(scope, receive, send)
            return
        await self.app(scope, replay(body, receive), send)


def refusal(problem: Problem, scope: Scope) -> Response:
    """Answer a body that was not read to its end; the connection cannot be used any more."""
    return problem_answer(problem, request=Request(scope), headers={"Connection": "close"})


async def read_body(receive: Receive) -> bytes:
    """Read a whole body; past the limit, read and throw away up to 8 MiB so that the client sees the answer.

    Raises:
        BodyTooLarge: over 1 MiB.
        ClientGone: the connection ended before the body.
    """
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= MAX_DRAINED_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        more = message.get("more_body", False)
    if size > MAX_BODY_BYTES:
        raise BodyTooLarge
    return b"".join(chunks)


def replay(body: bytes, receive: Receive) -> Receive:
    """Give the body once, then whatever the connection says (its end)."""
    given = False

    async def again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
