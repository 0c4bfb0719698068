"""Speaks each payment system's errors at its face: whatever went wrong there, in the words of its SDK."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from theatre.kit.problems import MEDIA_TYPE
from theatre.sandbox import stripe_objects

PREFIX = "/sandbox/v3"
STRIPE_PREFIX = "/sandbox/stripe/v1"
CODES = {401: "invalid_credentials", 403: "forbidden", 404: "not_found", 429: "too_many_requests"}
# the APIs know neither 422 nor 503
STATUSES = {422: 400, 503: 500}
SERVER_ERROR = 500

Writer = Callable[[dict[str, Any], int], dict[str, Any]]


class OwnErrors:
    """Rewrites problem+json answers of the merchants' APIs as error objects of theirs; all else passes through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        write = writer_of(scope["path"]) if scope["type"] == "http" else None
        await self.app(scope, receive, send if write is None else Rewriting(send, write))


def writer_of(path: str) -> Writer | None:
    """Give what writes the errors of the API that a path belongs to."""
    writers = WRITERS.items()
    return next((write for prefix, write in writers if path == prefix or path.startswith(f"{prefix}/")), None)


class Rewriting:
    """One answer on its way: a problem is held back until it is whole."""

    def __init__(self, send: Send, write: Writer) -> None:
        self._send = send
        self._write = write
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_problem(message):
            self._start = message
            return
        if self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._send_error(self._start)

    async def _send_error(self, start: Message) -> None:
        status: int = STATUSES.get(start["status"]) or start["status"]
        body = orjson.dumps(self._write(orjson.loads(self._body), status))
        headers = MutableHeaders(scope=start)
        headers["content-type"] = "application/json"
        headers["content-length"] = str(len(body))
        await self._send({**start, "status": status})
        await self._send({"type": "http.response.body", "body": body})


def _is_problem(message: Message) -> bool:
    return MutableHeaders(scope=message).get("content-type", "").startswith(MEDIA_TYPE)


def error_object(problem: dict[str, Any], status: int) -> dict[str, Any]:
    """Write a problem as YooKassa's error object."""
    fields = problem.get("errors") or []
    error = {
        "type": "error",
        "id": problem.get("request_id") or "",
        "code": "internal_server_error" if status >= SERVER_ERROR else CODES.get(status, "invalid_request"),
        "description": fields[0]["message"] if fields else problem["detail"],
    }
    parameter = fields[0]["field"].removeprefix("query.") if fields else problem.get("parameter")
    if parameter:
        error["parameter"] = parameter
    return error


WRITERS: Mapping[str, Writer] = {PREFIX: error_object, STRIPE_PREFIX: stripe_objects.error_object}
