"""Billing's doors for users' plans: what they are, what will be taken, and what their users want of them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from theatre.billing import cancellations, payment_methods, subscriptions
from theatre.billing.models import Subscription
from theatre.billing.renewal_dates import Course
from theatre.billing.routes.doors import Held, Locale, own_id
from theatre.billing.routes.public import product_answer
from theatre.billing.schemas import SubscriptionAnswer, SubscriptionCancel
from theatre.kit.access import User
from theatre.kit.db import InTransaction, Session
from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix="/billing/api/v1/subscriptions", tags=["billing"], route_class=StrictRoute)


@router.get("", summary="One's own plans, newest first")
async def list_subscriptions(
    session: InTransaction,
    user: User,
    page: Annotated[PageRequest, Depends(page_request)],
    locale: Locale,
    held: Held,
) -> PageAnswer[SubscriptionAnswer]:
    found = await subscriptions.list_own(session, own_id(user), page)
    has_method = await payment_methods.has_to_renew(session, own_id(user))
    course = Course.of(held.settings)
    items = [
        SubscriptionAnswer.of(
            plan, product_answer(plan.product, locale), course=course, has_method=has_method
        )
        for plan in found.items
    ]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.get("/{subscription_id}", summary="One of one's own plans")
async def get_subscription(
    subscription_id: UUID, session: InTransaction, user: User, locale: Locale, held: Held
) -> SubscriptionAnswer:
    found = await subscriptions.get(session, own_id(user), subscription_id)
    return await answer(session, found, locale, held=held)


@router.post("/{subscription_id}/cancel", summary="End a plan, with what is paid or at once")
async def cancel_subscription(
    subscription_id: UUID,
    session: InTransaction,
    user: User,
    locale: Locale,
    held: Held,
    body: SubscriptionCancel | None = None,
) -> SubscriptionAnswer:
    at = (body or SubscriptionCancel()).at
    now = held.clock.now()
    canceled = await cancellations.cancel(session, own_id(user), subscription_id, at=at, now=now)
    return await answer(session, canceled, locale, held=held)


@router.post("/{subscription_id}/resume", summary="Let a plan go on after all")
async def resume_subscription(
    subscription_id: UUID, session: InTransaction, user: User, locale: Locale, held: Held
) -> SubscriptionAnswer:
    resumed = await cancellations.resume(session, own_id(user), subscription_id, now=held.clock.now())
    return await answer(session, resumed, locale, held=held)


async def answer(session: Session, plan: Subscription, locale: str, *, held: Held) -> SubscriptionAnswer:
    """Show a plan."""
    has_method = await payment_methods.has_to_renew(session, plan.user_id)
    product = product_answer(plan.product, locale)
    return SubscriptionAnswer.of(plan, product, course=Course.of(held.settings), has_method=has_method)
