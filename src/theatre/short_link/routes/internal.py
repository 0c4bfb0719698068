"""The door of our own services: make a short link."""

from datetime import timedelta
from http import HTTPStatus

from fastapi import APIRouter, Request

from theatre.kit.access import CallingService
from theatre.kit.db import InTransaction
from theatre.kit.routing import StrictRoute
from theatre.short_link import links
from theatre.short_link.schemas import LinkMade, LinkStart

router = APIRouter(prefix="/short_link/internal/v1", tags=["internal"], route_class=StrictRoute)


@router.post("/links", status_code=HTTPStatus.CREATED, summary="Make a short link")
async def make(request: Request, start: LinkStart, session: InTransaction, _: CallingService) -> LinkMade:
    resources = request.app.state.resources
    resources.allowed.check(start.url)
    ttl = timedelta(seconds=start.ttl_seconds or resources.default_ttl_seconds)
    link = await links.make(
        session, links.NewLink(start.url, start.purpose, start.user_id, ttl), now=resources.clock.now()
    )
    return LinkMade(
        code=link.code, short_url=f"{resources.public_url}/s/{link.code}", expires_at=link.expires_at
    )
