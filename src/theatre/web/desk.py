"""The desk of a member of staff: who sits there, the services' doors for staff, and the pages of the panel."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Depends, Query, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.types import Send

from theatre.kit.errors import Transient
from theatre.kit.fields import Word
from theatre.web import accounts, saved_views
from theatre.web.errors import Declined
from theatre.web.listings import PAGE_ROWS, Listed, Listing
from theatre.web.resources import CurrentVisit, House, Resources, User
from theatre.web.schemas import Nothing, Read
from theatre.web.staff_doors import BILLING, Doors
from theatre.web.upstream import Call, File, Headers
from theatre.web.visits import Visit, own_path

R = TypeVar("R", bound=Read)

NAME_SECONDS = 1.0
"""How long a page waits to learn the name of who reads it: it goes without."""
SAID = {"note", "fault"}
MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SheetFormat: TypeAlias = Annotated[Literal["csv", "xlsx"], Query(alias="format")]


class FileAnswer(StreamingResponse):
    """A file handed on as it comes, closed also when the reader goes away."""

    def __init__(self, file: File) -> None:
        super().__init__(
            file.chunks, media_type=file.media_type, headers={"Content-Disposition": file.disposition}
        )

    async def stream_response(self, send: Send) -> None:
        """Send, and close what is being read."""
        async with aclosing(self.body_iterator):  # type: ignore[type-var]
            await super().stream_response(send)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that staff do at a door."""

    path: str
    key: str | None = None
    body: Any = None
    method: str = "POST"
    doors: Doors = BILLING


@dataclass(frozen=True, slots=True)
class Desk:
    """What the panel's routes stand on; `who` is sent to every door, which alone decides what may be seen and done."""

    house: Resources
    visit: Visit
    who: Headers
    login: str

    async def read(
        self, path: str, answer: type[R], params: Mapping[str, str] | None = None, *, doors: Doors = BILLING
    ) -> R:
        """Read at a door.

        Raises:
            Forbidden, NotFound, Declined
        """
        call = Call(method="GET", path=doors.prefix + path, headers=self.who, params=dict(params or {}))
        return await self.house.upstream(doors.service).ask(call, answer)

    async def fetch(
        self, path: str, params: Mapping[str, str], *, kind: Literal["csv", "xlsx"], doors: Doors = BILLING
    ) -> File:
        """Fetch the whole of a list or a report as a file.

        Raises:
            Forbidden, Declined
        """
        who = {**self.who, "Accept": MEDIA_TYPES[kind]}
        call = Call(method="GET", path=doors.prefix + path, headers=who, params={**params, "format": kind})
        return await self.house.upstream(doors.service).fetch(call)

    async def list(self, listing: Listing[R], query: Mapping[str, str]) -> Listed[R]:
        """Read a page of a list; what its door does not understand is said on the page.

        Raises:
            Forbidden
        """
        asked = listing.ask(query)
        params = {"limit": PAGE_ROWS, **listing.params(asked, self.visit.zone)}
        if asked.cursor:
            params["cursor"] = asked.cursor
        try:
            page = await self.read(listing.door, listing.page, params, doors=listing.doors)
        except Declined as declined:
            return Listed(listing, asked, [], fault=declined.word)
        return Listed(listing, asked, page.items, page.next_cursor)

    async def act(self, act: Act, answer: type[R]) -> R:
        """Do something at a door; the same key does it once.

        Raises:
            Forbidden, NotFound, Declined
        """
        path = act.doors.prefix + act.path
        call = Call(method=act.method, path=path, headers=self.who, key=act.key, json=act.body)
        return await self.house.upstream(act.doors.service).ask(call, answer)

    async def act_and_return(self, act: Act, *, back: str, note: str) -> Response:
        """Answer a form: do it, and say on the page that is gone back to what became of it."""
        try:
            await self.act(act, Nothing)
        except Declined as declined:
            return go_to(back, fault=declined.word)
        return go_to(back, note=note)

    def show(self, name: str, given: Mapping[str, Any] | None = None, *, status: int = 200) -> Response:
        """Make a page of the panel."""
        own = {"login": self.login, "saved": saved_views.list_views(self.visit)}
        context = {**own, "note": "", "fault": "", **(given or {})}
        return self.house.pages.render(self.visit, f"admin/{name}", context, status=status)


async def current_desk(house: House, visit: CurrentVisit, user: User) -> Desk:
    """Seat who is signed in (a route dependency).

    Raises:
        Unauthenticated: nobody is.
    """
    login = ""
    with suppress(Transient, TimeoutError):
        async with asyncio.timeout(NAME_SECONDS):
            login = (await accounts.get_me(house.auth, user)).login
    return Desk(house, visit, user, login)


async def said(
    note: Annotated[Word | None, Query()] = None, fault: Annotated[Word | None, Query()] = None
) -> dict[str, str]:
    """Read what became of the form that led here (a route dependency)."""
    return {"note": note or "", "fault": fault or ""}


Said: TypeAlias = Annotated[dict[str, str], Depends(said)]
CurrentDesk: TypeAlias = Annotated[Desk, Depends(current_desk)]


def go_to(path: str, **words: str) -> RedirectResponse:
    """Answer a form: the result is on a page of the panel, `path`, which says these words and none of before."""
    parts = urlsplit(own_path(path))
    if not f"{parts.path}/".startswith("/admin/"):
        parts = urlsplit("/admin")
    kept = {name: value for name, value in parse_qsl(parts.query) if name not in SAID}
    query = urlencode({**kept, **words})
    return RedirectResponse(f"{parts.path}?{query}" if query else parts.path, status_code=303)
