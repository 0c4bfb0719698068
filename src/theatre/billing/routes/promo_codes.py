"""The door that tells what a purchase would cost with a promo code."""

from uuid import UUID

from fastapi import APIRouter

from theatre.billing import payments
from theatre.billing.payments import Purchase, Terms, Wish
from theatre.billing.routes.doors import Held, Locale, guessing, own_id
from theatre.billing.schemas.payments import CodeWord
from theatre.billing.schemas.promo_codes import PreviewAnswer
from theatre.kit.access import User
from theatre.kit.db import transaction
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix="/billing/api/v1/promo_codes", tags=["billing"], route_class=StrictRoute)


@router.get("/{code}/preview", summary="What a purchase would cost with a promo code")
async def preview(code: CodeWord, price_id: UUID, user: User, held: Held, locale: Locale) -> PreviewAnswer:
    purchase = Purchase([Wish(price_id, 1)], promo_code=code)
    terms = Terms(locale, held.settings, held.clock.now())
    async with guessing(held, own_id(user), code) as watch, transaction(held.sessions) as session:
        payment = await watch(payments.reckon(session, own_id(user), purchase, terms=terms))
    return PreviewAnswer.of(payment)
