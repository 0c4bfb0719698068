"""Products, prices and promo codes: listed, made new, switched off."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response

from theatre.kit.errors import NotFound
from theatre.kit.routing import StrictRoute
from theatre.web import admin_catalogue
from theatre.web.admin_catalogue_schemas import PromoCode
from theatre.web.admin_forms import Typed, Typing
from theatre.web.admin_lists import PRODUCTS, PROMO_CODES
from theatre.web.desk import Act, CurrentDesk, Said, go_to
from theatre.web.errors import Declined
from theatre.web.resources import own_form
from theatre.web.schemas import Nothing


class ProductForm(Typing):
    """A new product."""

    code: Typed
    kind: Typed
    name_ru: Typed
    name_en: Typed
    description_ru: Typed = ""
    description_en: Typed = ""
    film_id: Typed = ""


class PriceForm(Typing):
    """A new price of a product."""

    product_id: UUID
    amount: Typed
    currency: Typed
    unit: Typed = ""
    count: Typed = "1"
    trial_days: Typed = ""


class CapsForm(Typing):
    """How long and how often a promo code may be used."""

    ends_at: Typed = ""
    total_cap: Typed = ""
    per_user_cap: Typed = ""


class PromoCodeForm(CapsForm):
    """A new promo code."""

    code: Typed
    percent: Typed = ""
    amount: Typed = ""
    currency: Typed = ""
    product_ids: Typed = ""
    starts_at: Typed = ""


class ChangeForm(CapsForm):
    """What is to change of a promo code."""

    is_active: Typed


router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("/products")
async def show_products(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show all products with all their prices."""
    listed = await desk.list(PRODUCTS, request.query_params)
    return desk.show("products.html", {"listed": listed, "typed": {}, **said})


@router.post("/products", dependencies=[Depends(own_form)])
async def create_product(desk: CurrentDesk, form: Annotated[ProductForm, Form()]) -> Response:
    """Make a product; what was typed stays if it is refused."""
    typed = form.model_dump()
    act = Act(path="/products", key=f"{form.key}-product", body=admin_catalogue.product_of(typed))
    try:
        await desk.act(act, Nothing)
    except Declined as declined:
        given = {"listed": await desk.list(PRODUCTS, {}), "typed": typed, "fault": declined.word}
        return desk.show("products.html", {**given, "wrong": declined.fields}, status=400)
    return go_to(PRODUCTS.path, note="product_created")


@router.post("/prices", dependencies=[Depends(own_form)])
async def create_price(desk: CurrentDesk, form: Annotated[PriceForm, Form()]) -> Response:
    """Add a price to a product: prices are never edited."""
    body = admin_catalogue.price_of(form.model_dump(mode="json"))
    act = Act(path="/prices", key=f"{form.key}-price", body=body)
    return await desk.act_and_return(act, back=PRODUCTS.path, note="price_created")


@router.post("/prices/{price_id}/switch_off", dependencies=[Depends(own_form)])
async def switch_price_off(desk: CurrentDesk, price_id: UUID) -> Response:
    """Sell a price no more."""
    act = Act(path=f"/prices/{price_id}/switch_off")
    return await desk.act_and_return(act, back=PRODUCTS.path, note="price_switched_off")


@router.get("/promo_codes")
async def show_promo_codes(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show all promo codes."""
    listed = await desk.list(PROMO_CODES, request.query_params)
    return desk.show("promo_codes.html", {"listed": listed, "typed": {}, **said})


@router.post("/promo_codes", dependencies=[Depends(own_form)])
async def create_promo_code(desk: CurrentDesk, form: Annotated[PromoCodeForm, Form()]) -> Response:
    """Make a promo code; what was typed stays if it is refused."""
    typed = form.model_dump()
    body = admin_catalogue.promo_code_of(typed, desk.visit.zone)
    try:
        made = await desk.act(Act(path="/promo_codes", key=f"{form.key}-promo", body=body), PromoCode)
    except Declined as declined:
        given = {"listed": await desk.list(PROMO_CODES, {}), "typed": typed, "fault": declined.word}
        return desk.show("promo_codes.html", {**given, "wrong": declined.fields}, status=400)
    return go_to(f"{PROMO_CODES.path}/{made.id}", note="promo_code_created")


@router.get("/promo_codes/{promo_code_id}")
async def show_promo_code(desk: CurrentDesk, said: Said, promo_code_id: UUID) -> Response:
    """Show one promo code and what may change of it."""
    try:
        promo = await desk.read(f"/promo_codes/{promo_code_id}", PromoCode)
    except Declined as declined:  # of buyers' words it says so beside their field; here it is an address
        raise NotFound from declined
    return desk.show("promo_code.html", {"promo": promo, **said})


@router.post("/promo_codes/{promo_code_id}", dependencies=[Depends(own_form)])
async def change_promo_code(
    desk: CurrentDesk, promo_code_id: UUID, form: Annotated[ChangeForm, Form()]
) -> Response:
    """Switch a promo code on or off, move its end or its caps."""
    body = admin_catalogue.change_of(form.model_dump(), desk.visit.zone)
    act = Act(method="PATCH", path=f"/promo_codes/{promo_code_id}", body=body)
    return await desk.act_and_return(
        act, back=f"{PROMO_CODES.path}/{promo_code_id}", note="promo_code_changed"
    )
