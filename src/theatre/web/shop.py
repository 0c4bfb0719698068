"""What is sold and what was bought, as billing keeps it."""

from urllib.parse import quote
from uuid import UUID

from theatre.web.account_schemas import PaymentMethod, PaymentMethodList
from theatre.web.schemas import (
    Checkout,
    Entitlement,
    EntitlementList,
    Nothing,
    Payment,
    PaymentList,
    Preview,
    Product,
    ProductList,
    Refund,
    RefundList,
    Subscription,
    SubscriptionList,
    Verdict,
)
from theatre.web.upstream import Call, Headers, Upstream

PREFIX = "/billing/api/v1"
PAYMENTS_SHOWN = "20"


async def list_products(billing: Upstream, who: Headers) -> list[Product]:
    """Give what can be bought now, in the visitor's language."""
    return (await billing.ask(Call(method="GET", path=f"{PREFIX}/products", headers=who), ProductList)).items


async def preview(billing: Upstream, who: Headers, *, price_id: UUID, promo_code: str) -> Preview:
    """Ask what something would cost with a promo code.

    Raises:
        Declined: the code does not hold for this.
        NotFound: there is no such price.
    """
    path = f"{PREFIX}/promo_codes/{quote(promo_code, safe='')}/preview"
    call = Call(method="GET", path=path, headers=who, params={"price_id": str(price_id)})
    return await billing.ask(call, Preview)


async def create_payment(
    billing: Upstream, who: Headers, *, price_id: UUID, promo_code: str | None, key: str
) -> Payment:
    """Say what is to be bought; the same key buys once.

    Raises:
        Declined, NotFound: it is not sold (any more), or the promo code does not hold for it.
    """
    body = {"items": [{"price_id": str(price_id), "quantity": 1}], "promo_code": promo_code}
    call = Call(method="POST", path=f"{PREFIX}/payments", headers=who, key=key, json=body)
    return await billing.ask(call, Payment)


async def check_out(
    billing: Upstream, who: Headers, *, payment_id: UUID, return_url: str, save_method: bool | None, key: str
) -> str:
    """Give the address where a payment is paid; with `save_method` the payment system is to keep the card, and None
    leaves it as it was said before.

    Raises:
        Declined: there is nothing to pay (any more).
        NotFound: no such payment of this user.
    """
    path = f"{PREFIX}/payments/{payment_id}/checkout"
    body = {"return_url": return_url, "save_method": save_method}
    call = Call(method="POST", path=path, headers=who, key=key, json=body)
    return (await billing.ask(call, Checkout)).confirmation_url


async def cancel(billing: Upstream, who: Headers, *, payment_id: UUID, key: str) -> Payment:
    """Give up a payment.

    Raises:
        Declined, NotFound
    """
    path = f"{PREFIX}/payments/{payment_id}/cancel"
    return await billing.ask(Call(method="POST", path=path, headers=who, key=key), Payment)


async def refund(billing: Upstream, who: Headers, *, payment_id: UUID, reason: str, key: str) -> Refund:
    """Ask for all that is left of a payment.

    Raises:
        Declined, NotFound
    """
    path = f"{PREFIX}/payments/{payment_id}/refunds"
    call = Call(method="POST", path=path, headers=who, key=key, json={"reason": reason})
    return await billing.ask(call, Refund)


async def get_payment(billing: Upstream, who: Headers, payment_id: UUID) -> Payment:
    """Read one of the user's own payments.

    Raises:
        NotFound
    """
    return await billing.ask(Call(method="GET", path=f"{PREFIX}/payments/{payment_id}", headers=who), Payment)


async def draw_receipt(billing: Upstream, who: Headers, payment_id: UUID) -> bytes:
    """Give the receipt of one of the user's own payments as PDF, in the visitor's language.

    Raises:
        Declined: it is not paid.
        NotFound
    """
    path = f"{PREFIX}/payments/{payment_id}/receipt"
    return await billing.download(Call(method="GET", path=path, headers={**who, "Accept": "application/pdf"}))


async def list_payments(billing: Upstream, who: Headers, cursor: str | None) -> PaymentList:
    """Give a page of the user's payments, latest first."""
    params = {"limit": PAYMENTS_SHOWN, **({"cursor": cursor} if cursor else {})}
    return await billing.ask(
        Call(method="GET", path=f"{PREFIX}/payments", headers=who, params=params), PaymentList
    )


async def list_refunds(billing: Upstream, who: Headers, payment_id: UUID) -> list[Refund]:
    """Give what was asked back of a payment.

    Raises:
        NotFound
    """
    path = f"{PREFIX}/payments/{payment_id}/refunds"
    return (await billing.ask(Call(method="GET", path=path, headers=who), RefundList)).items


async def list_subscriptions(billing: Upstream, who: Headers) -> list[Subscription]:
    """Give the user's agreements."""
    call = Call(method="GET", path=f"{PREFIX}/subscriptions", headers=who)
    return (await billing.ask(call, SubscriptionList)).items


async def cancel_subscription(billing: Upstream, who: Headers, subscription_id: UUID, *, key: str) -> None:
    """Let a plan end with what is paid for.

    Raises:
        Declined: it has ended already.
        NotFound
    """
    path = f"{PREFIX}/subscriptions/{subscription_id}/cancel"
    call = Call(method="POST", path=path, headers=who, key=key, json={"at": "period_end"})
    await billing.ask(call, Nothing)


async def resume_subscription(billing: Upstream, who: Headers, subscription_id: UUID, *, key: str) -> None:
    """Take a cancel back.

    Raises:
        Declined: it has ended already.
        NotFound
    """
    path = f"{PREFIX}/subscriptions/{subscription_id}/resume"
    await billing.ask(Call(method="POST", path=path, headers=who, key=key), Nothing)


async def list_methods(billing: Upstream, who: Headers) -> list[PaymentMethod]:
    """Give the user's saved ways to pay."""
    call = Call(method="GET", path=f"{PREFIX}/payment_methods", headers=who)
    return (await billing.ask(call, PaymentMethodList)).items


async def remove_method(billing: Upstream, who: Headers, method_id: UUID) -> None:
    """Forget a saved way to pay: it is never charged again.

    Raises:
        NotFound
    """
    await billing.ask(
        Call(method="DELETE", path=f"{PREFIX}/payment_methods/{method_id}", headers=who), Nothing
    )


async def prefer_method(billing: Upstream, who: Headers, method_id: UUID, *, key: str) -> None:
    """Make a saved way to pay the one that is charged.

    Raises:
        NotFound
    """
    path = f"{PREFIX}/payment_methods/{method_id}/default"
    await billing.ask(Call(method="POST", path=path, headers=who, key=key), Nothing)


async def list_entitlements(billing: Upstream, who: Headers) -> list[Entitlement]:
    """Give what the user may watch now."""
    call = Call(method="GET", path=f"{PREFIX}/entitlements", headers=who)
    return (await billing.ask(call, EntitlementList)).items


async def may_watch(billing: Upstream, who: Headers, film_id: UUID) -> bool:
    """Tell whether the user has a right to watch a film now."""
    path = f"{PREFIX}/entitlements/check"
    call = Call(method="GET", path=path, headers=who, params={"film_id": str(film_id)})
    return (await billing.ask(call, Verdict)).allowed
