"""The shop window: what is sold, the language it is shown in, and the files that pages refer to."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request, Response

from theatre.kit.errors import NotFound
from theatre.kit.fields import Line
from theatre.kit.routing import StrictRoute
from theatre.web import fronts, shop
from theatre.web.offers import saving_percent, shelve
from theatre.web.resources import CurrentVisit, House, own_form, see_other
from theatre.web.visits import Theme, own_path

router = APIRouter(route_class=StrictRoute, include_in_schema=False)


@router.get("/")
async def show_front(house: House, visit: CurrentVisit) -> Response:
    """Show what is sold, and films to begin with."""
    front = await fronts.gather(house, visit.headers)
    return house.pages.render(
        visit, "home.html", {"front": front, "shelf": front.shelf, "saving": saving_percent}
    )


@router.get("/plans")
async def show_plans(house: House, visit: CurrentVisit) -> Response:
    """Show the plans with all their prices."""
    shelf = shelve(await shop.list_products(house.billing, visit.headers))
    return house.pages.render(visit, "plans.html", {"shelf": shelf, "saving": saving_percent})


@router.post("/language", dependencies=[Depends(own_form)])
async def choose_language(
    visit: CurrentVisit,
    *,
    lang: Annotated[Literal["ru", "en"], Form()],
    next_path: Annotated[Line, Form(alias="next")] = "/",
) -> Response:
    """Answer in this language from now on."""
    visit.choose_language(lang)
    return see_other(own_path(next_path))


@router.post("/theme", dependencies=[Depends(own_form)])
async def choose_theme(
    visit: CurrentVisit,
    *,
    theme: Annotated[Theme, Form()],
    next_path: Annotated[Line, Form(alias="next")] = "/",
) -> Response:
    """Show pages in light or dark from now on, or as the visitor's system is set."""
    visit.choose_theme(theme)
    return see_other(own_path(next_path))


@router.get("/static/{name}")
async def give_asset(request: Request, name: str) -> Response:
    """Give a file; its name changes with its content, so it may be kept for ever."""
    asset = request.app.state.assets.get(f"/static/{name}")
    if asset is None:
        raise NotFound
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"}
        )
    return Response(asset.content, media_type=asset.media_type, headers=headers)
