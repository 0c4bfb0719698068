"""Error answers in the shape of RFC 9457. They never echo what was sent: it may be secret, huge or not even text."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from theatre.kit.errors import Problem

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:theatre:problem:"
MAX_ERRORS = 20
MAX_FIELD_CHARACTERS = 100


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str
    code: str
    message: str


class ProblemAnswer(BaseModel):
    """An error answer (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None = None
    errors: list[FieldError] | None = None


def problem_answer(
    problem: Problem,
    *,
    request: Request,
    status: int | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """Write a problem as an answer; `status` and `code` replace the problem's own."""
    status = status or problem.status
    code = code or problem.code
    body = {
        "type": f"{TYPE_PREFIX}{code}",
        "title": problem.title if type(problem) is not Problem else HTTPStatus(status).phrase,
        "status": status,
        "detail": problem.detail,
        "code": code,
        "request_id": request.scope.get("request_id"),
        **problem.extra,
        **(extra or {}),
    }
    return Response(
        orjson.dumps(body, default=str),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**problem.headers, **(headers or {})},
    )


def validation_answer(errors: Sequence[Mapping[str, Any]], *, request: Request) -> Response:
    """Answer a request that does not fit its schema: 422, or 400 where it is not even JSON."""
    if any(error["type"] == "json_invalid" for error in errors):
        return problem_answer(
            Problem("The body is not valid JSON."), request=request, status=400, code="kit.malformed_json"
        )
    fields = [_field_error(error).model_dump() for error in errors[:MAX_ERRORS]]
    return problem_answer(
        Problem("Some fields are not acceptable; see `errors`."),
        request=request,
        status=422,
        code="kit.validation_failed",
        extra={"errors": fields},
    )


def _field_error(error: Mapping[str, Any]) -> FieldError:
    location = [str(part) for part in error["loc"]]
    place = location[1:] if location[:1] == ["body"] and len(location) > 1 else location
    return FieldError(
        field=_printable(".".join(place)), code=str(error["type"]), message=_printable(str(error["msg"]))
    )


def _printable(text: str) -> str:
    clean = "".join(
        character if character.isprintable() else "?" for character in text[:MAX_FIELD_CHARACTERS]
    )
    return clean.encode("utf-8", "replace").decode()
