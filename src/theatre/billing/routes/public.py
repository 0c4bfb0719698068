"""Billing's doors for everybody: the price list, and for users their payments, refunds, plans and rights."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from theatre.billing import (
    attempts,
    entitlements,
    payments,
    products,
    purchases,
    quick_purchase,
    refunds,
)
from theatre.billing.models import Product, ProductKind, RefundSource
from theatre.billing.payments import Terms
from theatre.billing.routes.doors import Held, Locale, Money, guessing, own_id
from theatre.billing.schemas import (
    CheckoutAnswer,
    CheckoutStart,
    EntitlementAnswer,
    PaymentAnswer,
    PaymentCreate,
    ProductAnswer,
    ProductsAnswer,
    RefundAnswer,
    RefundCreate,
    VerdictAnswer,
)
from theatre.kit.access import User
from theatre.kit.db import InTransaction
from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix="/billing/api/v1", tags=["billing"], route_class=StrictRoute)

PageWanted = Annotated[PageRequest, Depends(page_request)]


def product_answer(product: Product, locale: str) -> ProductAnswer:
    """Show a product in a language."""
    name = products.text_in(product.names, locale)
    return ProductAnswer.of(product, name=name, description=products.text_in(product.descriptions, locale))


@router.get("/products", summary="What is sold, at which prices")
async def list_products(
    session: InTransaction, locale: Locale, kind: ProductKind | None = None, film_id: UUID | None = None
) -> ProductsAnswer:
    sold = await products.list_sold(session, kind=kind, film_id=film_id)
    return ProductsAnswer(items=[product_answer(product, locale) for product in sold])


@router.post("/payments", status_code=201, response_model=PaymentAnswer, summary="Begin a purchase")
async def create_payment(body: PaymentCreate, asked: Money) -> Response:
    purchase = payments.Purchase(
        wishes=[payments.Wish(item.price_id, item.quantity) for item in body.items],
        promo_code=body.promo_code,
        payment_method_id=body.payment_method_id,
    )
    held, once = asked.held, asked.once
    terms = Terms(asked.locale, held.settings, held.clock.now())
    async with guessing(held, asked.user_id, body.promo_code) as watch:
        return await once.run(
            lambda session: watch(purchases.create(session, asked.user_id, purchase, terms=terms)),
            answer=PaymentAnswer.of,
            shortcut=lambda: quick_purchase.create(held, once, purchase=purchase, terms=terms),
        )


@router.get("/payments", summary="One's own payments, newest first")
async def list_payments(session: InTransaction, user: User, page: PageWanted) -> PageAnswer[PaymentAnswer]:
    found = await payments.list_own(session, own_id(user), page)
    items = [PaymentAnswer.of(payment) for payment in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.get("/payments/{payment_id}", summary="One of one's own payments")
async def get_payment(payment_id: UUID, session: InTransaction, user: User) -> PaymentAnswer:
    return PaymentAnswer.of(await payments.get(session, payment_id, user_id=own_id(user)))


@router.post(
    "/payments/{payment_id}/checkout", response_model=CheckoutAnswer, summary="Get the link to pay by"
)
async def checkout(payment_id: UUID, asked: Money, body: CheckoutStart | None = None) -> Response:
    wanted = body or CheckoutStart()
    start = attempts.Checkout(wanted.provider, wanted.return_url, wanted.save_method)
    held = asked.held
    return await asked.once.run_across(
        lambda: attempts.start(
            held.sessions,
            held.payment,
            payment_id,
            user_id=asked.user_id,
            checkout=start,
            settings=held.settings,
            now=held.clock.now(),
        ),
        answer=CheckoutAnswer.model_validate,
    )


@router.post("/payments/{payment_id}/cancel", response_model=PaymentAnswer, summary="Give up a purchase")
async def cancel_payment(payment_id: UUID, asked: Money) -> Response:
    now = asked.held.clock.now()
    return await asked.once.run(
        lambda session: payments.cancel(session, payment_id, user_id=asked.user_id, now=now),
        answer=PaymentAnswer.of,
        status=200,
    )


@router.post(
    "/payments/{payment_id}/refunds", status_code=201, response_model=RefundAnswer, summary="Take money back"
)
async def create_refund(payment_id: UUID, body: RefundCreate, asked: Money) -> Response:
    amount = body.amount.to_money() if body.amount else None
    claim = refunds.Claim(RefundSource.USER, asked.user_id, body.reason, amount)
    held = asked.held
    return await asked.once.run(
        lambda session: refunds.request(
            session, payment_id, claim, settings=held.settings, now=held.clock.now()
        ),
        answer=RefundAnswer.of,
    )


@router.get("/payments/{payment_id}/refunds", summary="Refunds of one of one's own payments")
async def list_refunds(payment_id: UUID, session: InTransaction, user: User) -> PageAnswer[RefundAnswer]:
    payment = await payments.get(session, payment_id, user_id=own_id(user))
    found = await refunds.list_of(session, payment.id)
    return PageAnswer(items=[RefundAnswer.of(refund) for refund in found], next_cursor=None)


@router.get("/entitlements", summary="What one may watch, and until when")
async def list_entitlements(
    session: InTransaction,
    user: User,
    page: PageWanted,
    held: Held,
    with_past: Annotated[bool, Query(alias="all")] = False,
) -> PageAnswer[EntitlementAnswer]:
    found = await entitlements.list_own(
        session, own_id(user), page, with_past=with_past, now=held.clock.now()
    )
    items = [EntitlementAnswer.model_validate(right) for right in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.get("/entitlements/check", summary="May one watch this film now")
async def check_entitlement(film_id: UUID, session: InTransaction, user: User, held: Held) -> VerdictAnswer:
    verdict = await entitlements.check(session, own_id(user), film_id, now=held.clock.now())
    return VerdictAnswer.model_validate(verdict)
