"""Movies' doors for who watches: the way in, and the stream behind it."""

from datetime import datetime
from importlib.resources import files
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from theatre.kit.access import User
from theatre.kit.fields import Answer
from theatre.kit.i18n import negotiate
from theatre.kit.routing import StrictRoute
from theatre.movies import tickets
from theatre.movies.resources import Resources
from theatre.movies.schemas import PUBLIC

router = APIRouter(prefix=PUBLIC, tags=["movies: playback"], route_class=StrictRoute)

# one clip of our own stands for every film: HLS, some seconds
CLIP = files("theatre.movies") / "static"
Part = Literal["index.m3u8", "0.ts", "1.ts"]
MEDIA_TYPES = {"m3u8": "application/vnd.apple.mpegurl", "ts": "video/mp2t"}


class PlaybackAnswer(Answer):
    """Where the stream is, and until when that address is good."""

    url: str
    expires_at: datetime


@router.get(
    "/films/{film_id}/playback", summary="Watch a film: the address of its stream, or what would open it"
)
async def start_playback(film_id: UUID, request: Request, user: User) -> PlaybackAnswer:
    if user.user_id is None:
        raise AssertionError("`User` lets only users in")
    held: Resources = request.app.state.resources
    locale = negotiate(request.headers.get("accept-language", ""))
    ticket, expires_at = await held.gate.admit(film_id, user.user_id, locale=locale, now=held.clock.now())
    return PlaybackAnswer(url=f"{PUBLIC}/streams/{ticket}/index.m3u8", expires_at=expires_at)


@router.get("/streams/{ticket}/{part}", response_class=Response, summary="A part of a stream")
async def stream(ticket: str, part: Part, request: Request) -> Response:
    held: Resources = request.app.state.resources
    tickets.read(held.gate.secret, ticket, now=held.clock.now())
    media_type = MEDIA_TYPES[part.rpartition(".")[2]]
    return Response((CLIP / part).read_bytes(), headers={"Cache-Control": "private"}, media_type=media_type)
