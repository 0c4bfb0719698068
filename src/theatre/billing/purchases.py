"""Purchases: from what a buyer asks for to a payment, or to one that is paid already."""

from uuid import UUID

from theatre.billing import payments, settlements
from theatre.billing.models import Payment
from theatre.billing.payments import Purchase, Terms
from theatre.kit.db import Session


async def create(session: Session, buyer_id: UUID, purchase: Purchase, *, terms: Terms) -> Payment:
    """Make a payment; one of which its promo code took everything is paid at once, without a provider.

    Raises:
        what `payments.create` and `settlements.settle_free` raise
    """
    payment = await payments.create(session, buyer_id, purchase, terms=terms)
    if payment.total_minor == 0:
        await settlements.settle_free(session, payment, settings=terms.settings, now=terms.now)
    return payment
