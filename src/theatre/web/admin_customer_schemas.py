"""Customers, their plans, and cases as the admin panel reads them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from theatre.kit.fields import MoneyField
from theatre.web.admin_payment_schemas import Dispute, Right
from theatre.web.schemas import Period, Price, Read


class Sum(Read):
    """How many there are in one state and currency, and what they come to."""

    status: str
    count: int
    total: MoneyField
    refunded: MoneyField | None = None


class StaffSubscription(Read):
    """A standing agreement."""

    id: UUID
    user_id: UUID
    status: str
    product_id: UUID
    product_code: str
    price: Price
    current_period: Period
    cancel_at_period_end: bool
    created_at: datetime


class Case(Read):
    """What a person must look at, and how it was closed."""

    id: UUID
    kind: str
    cause: str
    status: str
    payment_id: UUID | None
    refund_id: UUID | None
    details: dict[str, Any]
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: UUID | None
    note: str | None

    @property
    def holds_money(self) -> bool:
        """Whether it is about money that came and bought nothing, which may be given back."""
        return self.kind == "unallocated_money" and self.status == "open"


class Summary(Read):
    """One customer at a glance."""

    user_id: UUID
    payments: list[Sum]
    refunds: list[Sum]
    entitlements: list[Right]
    subscriptions: list[StaffSubscription]
    disputes: list[Dispute]
    cases: list[Case]
