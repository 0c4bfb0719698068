"""Answers that a client need not fetch twice: told by their tag (RFC 9110), 304 while it is still the same."""

import hashlib
from http import HTTPStatus

from fastapi import Request, Response
from pydantic import BaseModel

# kept by the client, asked about each time: so nobody is shown what is no longer so
REVALIDATED = "no-cache"
IN_OPENAPI: dict[int | str, dict[str, str]] = {304: {"description": "Still what `If-None-Match` names"}}
"""What a door that gives tags tells in its `responses`."""


def tagged(
    request: Request,
    body: BaseModel | bytes,
    *,
    media_type: str = "application/json",
    vary: str = "Accept-Language",
    language: str | None = None,
    tag: str | None = None,
) -> Response:
    """Answer with a body and its tag, or with 304 if the client has it; whoever knows the tag already says so."""
    content = body if isinstance(body, bytes) else body.model_dump_json().encode()
    tag = tag or tag_of(content)
    headers = {"ETag": tag, "Cache-Control": REVALIDATED, "Vary": vary}
    if language:
        headers["Content-Language"] = language
    if "if-none-match" in request.headers and tag in tags_of(request):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


def tag_of(content: bytes) -> str:
    """Give the tag of a body; a weak one, since gateways compress."""
    return f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def tags_of(request: Request) -> set[str]:
    """Read the tags that a client has, as the weak ones that ours are."""
    named = (tag.strip() for tag in request.headers.get("if-none-match", "").split(","))
    return {tag if tag.startswith("W/") else f"W/{tag}" for tag in named}
