"""The panel's front door, and lists taken away as files."""

from contextlib import aclosing
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Send

from theatre.kit.errors import Forbidden, NotFound
from theatre.kit.fields import Line
from theatre.kit.routing import StrictRoute
from theatre.web import admin_lists, finding, panel, saved_views
from theatre.web.desk import BILLING, CurrentDesk, go_to
from theatre.web.resources import own_form
from theatre.web.upstream import Call, File
from theatre.web.visits import own_path

ACCEPTED = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


class FileAnswer(StreamingResponse):
    """A file handed on as it comes, closed also when the reader goes away."""

    def __init__(self, file: File) -> None:
        super().__init__(
            file.chunks, media_type=file.media_type, headers={"Content-Disposition": file.disposition}
        )

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self.body_iterator):  # type: ignore[type-var]
            await super().stream_response(send)


@router.get("")
async def show_panel(desk: CurrentDesk) -> Response:
    """Lead to the first room that is open to who asks."""
    rooms = panel.rooms_of(desk.visit)
    if not rooms:
        raise Forbidden
    return go_to(rooms[0].path)


@router.post("/find", dependencies=[Depends(own_form)])
async def find(desk: CurrentDesk, *, word: Annotated[Line, Form()]) -> Response:
    """Go to what a word means. It may be somebody's name, so it never stands in an address."""
    return await finding.find(desk, word.strip())


@router.post("/views", dependencies=[Depends(own_form)])
async def keep_view(
    desk: CurrentDesk, *, name: Annotated[Line, Form()], address: Annotated[Line, Form(alias="next")]
) -> Response:
    """Give a view of a list a name."""
    if not saved_views.keep(desk.visit, name.strip(), own_path(address)):
        return go_to(address, fault="admin.view_not_kept")
    return go_to(address, note="view_kept")


@router.post("/views/forget", dependencies=[Depends(own_form)])
async def forget_view(
    desk: CurrentDesk, *, name: Annotated[Line, Form()], address: Annotated[Line, Form(alias="next")]
) -> Response:
    """Forget a view."""
    saved_views.forget(desk.visit, name)
    return go_to(address, note="view_forgotten")


@router.get("/sheets/{name}")
async def give_sheet(
    desk: CurrentDesk,
    request: Request,
    name: str,
    *,
    kind: Annotated[Literal["csv", "xlsx"], Query(alias="format")],
) -> Response:
    """Give a whole list, narrowed as its page is, as a file."""
    listing = admin_lists.LISTINGS.get(name)
    if listing is None or not listing.has_sheet:
        raise NotFound
    asked = listing.ask(request.query_params)
    params = {**listing.params(asked, desk.visit.zone), "format": kind}
    who = {**desk.who, "Accept": ACCEPTED[kind]}
    call = Call(method="GET", path=BILLING + listing.door, headers=who, params=params)
    return FileAnswer(await desk.house.billing.fetch(call))
