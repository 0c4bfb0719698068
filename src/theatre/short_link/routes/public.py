"""Doors for the world: follow a link, ask how often one's own was followed."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from theatre.kit.access import User
from theatre.kit.db import InTransaction
from theatre.kit.routing import StrictRoute
from theatre.short_link import links
from theatre.short_link.schemas import LinkStats

router = APIRouter(tags=["short links"], route_class=StrictRoute)

# a text that cannot be a code is an unknown code: 404, not 422
Code = Annotated[str, Path(examples=["Xh4kPq7WbT2mZcR9sVfN3yK"])]


@router.get("/s/{code}", status_code=HTTPStatus.FOUND, response_class=Response, summary="Follow a short link")
async def follow(request: Request, code: Code, session: InTransaction) -> Response:
    return redirect(await links.follow(session, code, now=request.app.state.resources.clock.now()))


@router.head("/s/{code}", status_code=HTTPStatus.FOUND, response_class=Response, summary="Look, uncounted")
async def look_at(request: Request, code: Code, session: InTransaction) -> Response:
    return redirect(await links.look_at(session, code, now=request.app.state.resources.clock.now()))


@router.get("/short_link/api/v1/links/{code}/stats", summary="How often a link was followed")
async def read_stats(code: Code, session: InTransaction, user: User) -> LinkStats:
    return LinkStats.model_validate(await links.get_visible(session, code, to=user))


def redirect(url: str) -> Response:
    """Send the browser on; the address stands in the answer exactly as it was stored."""
    headers = {"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(status_code=HTTPStatus.FOUND, headers=headers)
