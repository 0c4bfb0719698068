"""Saved ways to pay as doors show them."""

from datetime import datetime
from uuid import UUID

from theatre.billing.models import PaymentMethod
from theatre.kit.fields import Answer

NAMES = {
    "bank_card": "Card",
    "yoo_money": "YooMoney",
    "sbp": "SBP",
    "sberbank": "SberPay",
    "tinkoff_bank": "T-Pay",
}
"""Names of ways to pay by the payment system's word; of another that word is shown."""


class ExpiryAnswer(Answer):
    """The last month in which a card is good."""

    month: int
    year: int


class PaymentMethodAnswer(Answer):
    """A saved way to pay, masked. `is_default`: it pays for renewals; `is_usable`: it was not refused for good."""

    id: UUID
    provider: str
    kind: str
    title: str
    brand: str | None
    last4: str | None
    expiry: ExpiryAnswer | None
    is_default: bool
    is_usable: bool
    created_at: datetime

    @classmethod
    def of(cls, method: PaymentMethod) -> "PaymentMethodAnswer":
        name = method.brand or NAMES.get(method.kind, method.kind)
        expiry = None
        if method.expiry_month is not None and method.expiry_year is not None:
            expiry = ExpiryAnswer(month=method.expiry_month, year=method.expiry_year)
        return cls(
            id=method.id,
            provider=method.provider,
            kind=method.kind,
            title=f"{name} *{method.last4}" if method.last4 else name,
            brand=method.brand,
            last4=method.last4,
            expiry=expiry,
            is_default=method.is_default,
            is_usable=method.unusable_at is None,
            created_at=method.created_at,
        )
