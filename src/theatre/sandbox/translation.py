"""Speaks YooKassa's errors at the merchant's API: whatever went wrong below `/sandbox/v3`, in the words of its SDK."""

from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from theatre.kit.problems import MEDIA_TYPE

PREFIX = "/sandbox/v3"
CODES = {401: "invalid_credentials", 403: "forbidden", 404: "not_found", 429: "too_many_requests"}
# the API knows neither 422 nor 503
STATUSES = {422: 400, 503: 500}
SERVER_ERROR = 500


class YooKassaErrors:
    """Rewrites problem+json answers of the merchant's API as YooKassa's error objects; all else passes through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_merchants(scope["path"]):
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, Rewriting(send))


def is_merchants(path: str) -> bool:
    """Tell whether a path belongs to the merchant's API."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


class Rewriting:
    """One answer on its way: a problem is held back until it is whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
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
        body = orjson.dumps(error_object(orjson.loads(self._body), status))
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
