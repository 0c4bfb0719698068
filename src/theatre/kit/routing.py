"""A route that reads its JSON strictly: media type, duplicate names and numbers that JSON does not have."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from theatre.kit.errors import Problem
from theatre.kit.problems import ProblemAnswer


class UnsupportedMediaType(Problem):
    """The body is of a kind that this door does not read."""

    code = "kit.unsupported_media_type"
    status = 415
    title = "Send the body as application/json"


class MalformedJson(Problem):
    """JSON by its look, but ambiguous or with values that JSON does not have."""

    code = "kit.malformed_json"
    status = 400
    title = "The body is not valid JSON"


REFUSED: dict[int | str, Any] = {"4XX": {"model": ProblemAnswer, "content": {"application/problem+json": {}}}}


class StrictRequest(Request):
    """A request whose JSON must be unambiguous; also keeps the bytes for fingerprints."""

    async def json(self) -> Any:
        try:
            return read_json(await self.body())
        except MalformedJson as error:
            # of all exceptions FastAPI leaves only this one its meaning
            raise json.JSONDecodeError(error.detail, "", 0) from error


def read_json(body: bytes) -> Any:
    """Read JSON that can be read in one way only.

    Raises:
        MalformedJson
    """
    try:
        return json.loads(body, object_pairs_hook=_unique, parse_constant=_refuse)
    except (RecursionError, ValueError) as error:
        raise MalformedJson from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedJson("A name occurs twice in one object.")
    return value


def _refuse(constant: str) -> Any:
    raise MalformedJson("NaN and infinities are not JSON.")


class StrictRoute(APIRoute):
    """The route class of every service's routers."""

    def __init__(self, *words: Any, responses: dict[int | str, Any] | None = None, **named: Any) -> None:
        super().__init__(*words, responses={**REFUSED, **(responses or {})}, **named)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        takes_json = (
            self.body_field is not None and "form" not in type(self.body_field.field_info).__name__.lower()
        )

        async def strict(request: Request) -> Response:
            if takes_json:
                request = StrictRequest(request.scope, request.receive)
                await _check_media_type(request)
            try:
                return await answer(request)
            finally:
                # files of a form that the route or a dependency read by itself
                await request.close()

        return strict


async def _check_media_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return
    if await request.body():
        raise UnsupportedMediaType
