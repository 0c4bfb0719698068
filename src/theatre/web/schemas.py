"""What the storefront reads in the answers of auth and billing; fields it does not show are left out."""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from theatre.kit.fields import MoneyField


class Read(BaseModel):
    """An answer of another service."""

    model_config = ConfigDict(frozen=True)


class Nothing(Read):
    """An answer whose content does not matter."""


class Tokens(Read):
    """A pair that auth gave for a session."""

    access_token: str
    refresh_token: str


class Me(Read):
    """Who is signed in."""

    id: UUID
    login: str
    email: str
    email_verified: bool = False
    is_superuser: bool = False


class Interval(Read):
    """How long one payment of a price lasts."""

    unit: Literal["day", "month", "year"]
    count: int


class Price(Read):
    """What a product costs."""

    id: UUID
    amount: MoneyField
    interval: Interval | None = None
    trial_days: int | None = None


class Product(Read):
    """What is sold."""

    id: UUID
    code: str
    kind: Literal["plan", "film", "rental", "gift"]
    name: str
    description: str | None = None
    film_id: UUID | None = None
    prices: list[Price]


class ProductList(Read):
    """The price list."""

    items: list[Product]
    next_cursor: str | None = None


class Item(Read):
    """One line of a payment."""

    name: str
    kind: str
    quantity: int
    total: MoneyField


class Failure(Read):
    """Why the last try to pay failed."""

    code: str
    message: str | None = None


PaymentStatus: TypeAlias = Literal["unpaid", "pending", "paid", "refunded", "canceled", "expired"]


class Payment(Read):
    """What somebody owes or paid."""

    id: UUID
    status: PaymentStatus
    total: MoneyField
    discount: MoneyField
    refunded: MoneyField
    promo_code: str | None = None
    items: list[Item]
    created_at: datetime
    expires_at: datetime | None = None
    paid_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    failure: Failure | None = None

    @property
    def state(self) -> str:
        """The status as people tell it: two of them have a further side that matters to the payer."""
        if self.status == "pending" and self.cancel_requested_at:
            return "canceling"
        if self.status == "paid" and self.refunded.to_money().amount_minor:
            return "partly_refunded"
        return self.status

    @property
    def left(self) -> MoneyField:
        """What a refund may still give back."""
        return MoneyField.model_validate(self.total.to_money() - self.refunded.to_money())

    @property
    def is_refundable(self) -> bool:
        """Whether there is money that could be given back."""
        return self.status == "paid" and self.left.to_money().amount_minor > 0


class Preview(Read):
    """What a purchase with a promo code would cost."""

    promo_code: str
    total: MoneyField
    discount: MoneyField


class PaymentList(Read):
    """A page of payments."""

    items: list[Payment]
    next_cursor: str | None = None


class Checkout(Read):
    """Where to go to pay."""

    confirmation_url: str


class Refund(Read):
    """Money on its way back."""

    status: Literal["requested", "pending", "succeeded", "failed", "rejected"]


class RefundList(Read):
    """Refunds of one payment."""

    items: list[Refund]


class Period(Read):
    """What is paid for now."""

    start: datetime
    end: datetime


class NextCharge(Read):
    """What will be taken, and when."""

    at: datetime
    amount: MoneyField


class Subscription(Read):
    """A standing agreement."""

    id: UUID
    status: Literal["trialing", "active", "past_due", "paused", "canceled", "expired"]
    product: Product
    current_period: Period
    cancel_at_period_end: bool = False
    next_charge: NextCharge | None = None

    @property
    def is_live(self) -> bool:
        """Whether it still gives something that could be canceled."""
        return self.status in ("trialing", "active", "past_due")

    @property
    def outlook(self) -> str:
        """What will become of it: the word under which pages say so."""
        if not self.is_live:
            return "over"
        if self.cancel_at_period_end:
            return "canceled"
        if self.status == "past_due":
            return "past_due"
        return "charge" if self.next_charge else "ends"


class SubscriptionList(Read):
    """Agreements of a user."""

    items: list[Subscription]


class Entitlement(Read):
    """A right to watch."""

    id: UUID
    kind: str
    product_id: UUID | None = None
    payment_id: UUID | None = None
    starts_at: datetime
    ends_at: datetime | None = None


class EntitlementList(Read):
    """Rights of a user."""

    items: list[Entitlement]


class Verdict(Read):
    """Whether somebody may watch a film now."""

    allowed: bool
