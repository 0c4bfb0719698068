"""Products and prices: listed, made new, switched off; never edited."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from theatre.billing import catalogue
from theatre.billing.catalogue import PriceDraft, ProductDraft
from theatre.billing.models import Price, Product, ProductKind
from theatre.billing.routes.doors import Money
from theatre.billing.routes.staff import Manager, Reader, Wanted
from theatre.billing.schemas import PriceCreate, ProductCreate, StaffPriceAnswer, StaffProductAnswer
from theatre.kit.db import InTransaction, Session
from theatre.kit.fields import Currency
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)


@router.get(
    "/products",
    response_model=PageAnswer[StaffProductAnswer],
    responses=IN_OPENAPI,
    summary="All products, sold now or not",
)
async def list_products(
    staff: Reader, wanted: Wanted, kind: ProductKind | None = None, is_active: bool | None = None
) -> Response | PageAnswer[StaffProductAnswer]:
    listing = catalogue.find_products(kind=kind, is_active=is_active)
    return await wanted.give(staff, "products", listing, StaffProductAnswer.of)


@router.post("/products", status_code=201, response_model=StaffProductAnswer, summary="Make a product")
async def create_product(body: ProductCreate, staff: Manager, asked: Money) -> Response:
    draft = ProductDraft(**body.model_dump())

    async def create(session: Session) -> Product:
        product = await catalogue.create_product(session, draft, staff_id=staff.id, now=staff.now)
        await staff.record(session, "product.create", product.id, after=body.model_dump(mode="json"))
        return product

    return await asked.once.run(create, answer=StaffProductAnswer.of)


@router.get(
    "/prices",
    response_model=PageAnswer[StaffPriceAnswer],
    responses=IN_OPENAPI,
    summary="All prices, sold now or not",
)
async def list_prices(
    staff: Reader,
    wanted: Wanted,
    product_id: UUID | None = None,
    currency: Annotated[Currency | None, Query()] = None,
    is_active: bool | None = None,
) -> Response | PageAnswer[StaffPriceAnswer]:
    listing = catalogue.find_prices(product_id=product_id, currency=currency, is_active=is_active)
    return await wanted.give(staff, "prices", listing, StaffPriceAnswer.of)


@router.post("/prices", status_code=201, response_model=StaffPriceAnswer, summary="Add a price to a product")
async def create_price(body: PriceCreate, staff: Manager, asked: Money) -> Response:
    interval = (body.interval.unit, body.interval.count) if body.interval else None
    draft = PriceDraft(body.product_id, body.amount.to_money(), interval, body.trial_days)

    async def create(session: Session) -> Price:
        price = await catalogue.create_price(session, draft, staff_id=staff.id, now=staff.now)
        await staff.record(session, "price.create", price.id, after=body.model_dump(mode="json"))
        return price

    return await asked.once.run(create, answer=StaffPriceAnswer.of)


@router.post("/prices/{price_id}/switch_off", summary="Sell a price no more; what was bought by it stays")
async def switch_price_off(price_id: UUID, staff: Manager, session: InTransaction) -> StaffPriceAnswer:
    price = await catalogue.switch_off(session, price_id, staff_id=staff.id)
    await staff.record(session, "price.switch_off", price.id, after={"is_active": price.is_active})
    return StaffPriceAnswer.of(price)
