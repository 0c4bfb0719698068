"""The panel's front door: the first page, the box that finds, views with names, lists as files."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from theatre.kit.errors import NotFound
from theatre.kit.fields import Line
from theatre.kit.routing import StrictRoute
from theatre.web import admin_lists, admin_reports, finding, panel, saved_views
from theatre.web.admin_overview_schemas import Overview
from theatre.web.desk import CurrentDesk, FileAnswer, Said, SheetFormat, go_to
from theatre.web.resources import own_form
from theatre.web.visits import own_path

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_panel(desk: CurrentDesk, said: Said) -> Response:
    """Show what there is to see and to do; who has nothing to do with money goes to their own room."""
    rooms = panel.rooms_of(desk.visit)
    if rooms and rooms[0].path != "/admin":
        return go_to(rooms[0].path)
    overview = await desk.read("/overview", Overview)
    return desk.show("overview.html", {"seen": overview, "r": admin_reports, **said})


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
async def give_sheet(desk: CurrentDesk, request: Request, name: str, *, kind: SheetFormat) -> Response:
    """Give a whole list, narrowed as its page is, as a file."""
    listing = admin_lists.LISTINGS.get(name)
    if listing is None or not listing.has_sheet:
        raise NotFound
    asked = listing.ask(request.query_params)
    params = listing.params(asked, desk.visit.zone)
    return FileAnswer(await desk.fetch(listing.door, params, kind=kind, doors=listing.doors))
