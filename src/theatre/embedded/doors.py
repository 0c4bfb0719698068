"""The house's own front: every request goes to the service that its first path segment names.

Internal doors are not here; services reach each other's through `inside.HouseTransport`.
"""

from collections.abc import Mapping
from typing import ClassVar

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from theatre.kit.errors import NotFound, Problem, Transient
from theatre.kit.middleware import RequestContext
from theatre.kit.problems import problem_answer
from theatre.registry import BY_NAME

INTERNAL = "internal"
ALIVE = "_health"


class Starting(Transient):
    """The house is not ready to serve yet, or no more."""

    code: ClassVar[str] = "house.starting"
    title: ClassVar[str] = "Online Theatre is starting; try again in a moment"


class Doors:
    """Dispatches by first path segment; until `open` everything but health answers 503."""

    def __init__(self) -> None:
        self._children: Mapping[str, ASGIApp] = {}
        self._refusing = RequestContext(self._refuse, service="house")

    def open(self, children: Mapping[str, ASGIApp]) -> None:
        """Let requests through to the services; the child of prefix "" gets what nobody else claims."""
        self._children = children

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        child = self._refusing if self._refusal(scope) else child_of(self._children, scope["path"])
        await child(scope, receive, send)

    def _refusal(self, scope: Scope) -> Problem | None:
        if segments_of(scope["path"])[1] == INTERNAL:
            return NotFound()
        return None if self._children else Starting()

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._refusal(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1001})
            return
        answer = alive(scope["path"]) or problem_answer(problem or NotFound(), request=Request(scope))
        await answer(scope, receive, send)


def alive(path: str) -> Response | None:
    """Answer for a service that it is alive, while the house is starting."""
    first, second, *rest = segments_of(path)
    if first in BY_NAME and [second, *rest] == ["api", ALIVE]:
        return Response(b"{}", media_type="application/json")
    return None


def child_of(children: Mapping[str, ASGIApp], path: str) -> ASGIApp:
    """Give the service that answers a path."""
    return children.get(segments_of(path)[0]) or children[""]


def segments_of(path: str) -> list[str]:
    """Split a path into its first two segments and the rest; those that are absent are empty."""
    segments = path.split("/", 3)[1:]
    return segments + [""] * (2 - len(segments))
