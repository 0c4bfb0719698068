"""Purchases: from what a buyer asks for to a payment, or to one that is paid already."""

from uuid import UUID

from theatre.billing import charges, payment_methods, payments, settlements
from theatre.billing.models import Payment
from theatre.billing.payments import Purchase, Terms
from theatre.kit.db import Session


async def create(session: Session, buyer_id: UUID, purchase: Purchase, *, terms: Terms) -> Payment:
    """Make a payment; one of which its promo code took everything is paid at once, without a provider.

    With a saved method it is *pending* from the start: the method is being charged.

    Raises:
        PaymentMethodUnknown
        what `payments.create` and `settlements.settle_free` raise
    """
    method = None
    if purchase.payment_method_id is not None:
        method = await payment_methods.get_to_charge(session, buyer_id, purchase.payment_method_id)
    payment = await payments.create(session, buyer_id, purchase, terms=terms)
    if payment.total_minor == 0:
        await settlements.settle_free(session, payment, settings=terms.settings, now=terms.now)
    elif method is not None:
        charges.begin(session, payment, method, reason="charge", now=terms.now)
    return payment
