"""Customers, cases, the audit and dead messages as staff see them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import StringConstraints

from theatre.billing.customers import Sum, Summary
from theatre.billing.models import AuditRecord, Case, Subscription
from theatre.billing.schemas.catalogue import PriceAnswer
from theatre.billing.schemas.disputes import DisputeAnswer
from theatre.billing.schemas.money import money
from theatre.billing.schemas.rights import EntitlementAnswer, PeriodAnswer
from theatre.kit.fields import Answer, Body, MoneyField, Storable


class SumAnswer(Answer):
    """How many there are in one state and currency, and what they come to."""

    status: str
    count: int
    total: MoneyField

    @classmethod
    def of(cls, found: Sum) -> "SumAnswer":
        return cls(status=found.status, count=found.count, total=money(found.total_minor, found.currency))


class PaymentSumAnswer(SumAnswer):
    """The same of payments, with what was given back of them."""

    refunded: MoneyField

    @classmethod
    def of(cls, found: Sum) -> "PaymentSumAnswer":
        return cls(
            status=found.status,
            count=found.count,
            total=money(found.total_minor, found.currency),
            refunded=money(found.refunded_minor, found.currency),
        )


class StaffSubscriptionAnswer(Answer):
    """A standing agreement as staff see it."""

    id: UUID
    user_id: UUID
    status: str
    product_id: UUID
    product_code: str
    price: PriceAnswer
    current_period: PeriodAnswer
    cancel_at_period_end: bool
    created_at: datetime

    @classmethod
    def of(cls, subscription: Subscription) -> "StaffSubscriptionAnswer":
        return cls(
            id=subscription.id,
            user_id=subscription.user_id,
            status=subscription.status,
            product_id=subscription.product_id,
            product_code=subscription.product.code,
            price=PriceAnswer.of(subscription.price),
            current_period=PeriodAnswer(start=subscription.paid_from, end=subscription.paid_until),
            cancel_at_period_end=subscription.cancel_at_period_end,
            created_at=subscription.created_at,
        )


class SummaryAnswer(Answer):
    """One customer at a glance; of rights that hold, plans, disputes and cases (with staff's notes) the newest 100."""

    user_id: UUID
    payments: list[PaymentSumAnswer]
    refunds: list[SumAnswer]
    entitlements: list[EntitlementAnswer]
    subscriptions: list[StaffSubscriptionAnswer]
    disputes: list[DisputeAnswer]
    cases: list["CaseAnswer"]

    @classmethod
    def of(cls, summary: Summary) -> "SummaryAnswer":
        return cls(
            user_id=summary.user_id,
            payments=[PaymentSumAnswer.of(found) for found in summary.payments],
            refunds=[SumAnswer.of(found) for found in summary.refunds],
            entitlements=[EntitlementAnswer.model_validate(right) for right in summary.entitlements],
            subscriptions=[StaffSubscriptionAnswer.of(plan) for plan in summary.subscriptions],
            disputes=[DisputeAnswer.of(dispute) for dispute in summary.disputes],
            cases=[CaseAnswer.of(case) for case in summary.cases],
        )


class CaseAnswer(Answer):
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

    @classmethod
    def of(cls, case: Case) -> "CaseAnswer":
        return cls.model_validate(case)


class CaseResolution(Body):
    """What was found and done."""

    note: Annotated[str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=True), Storable]


class AuditAnswer(Answer):
    """One thing that a member of staff did or looked at; `hash` binds it to all before it."""

    number: int
    occurred_at: datetime
    actor_id: UUID
    action: str
    subject_kind: str
    subject_id: str | None
    reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str
    hash: str

    @classmethod
    def of(cls, record: AuditRecord) -> "AuditAnswer":
        names = [name for name in cls.model_fields if name != "hash"]
        return cls(**{name: getattr(record, name) for name in names}, hash=record.hash.hex())


class ChainAnswer(Answer):
    """Whether every record is as it was written: `broken_number` is the first that is missing or was changed."""

    length: int
    broken_number: int | None


class DeadLetterAnswer(Answer):
    """A message put aside, with its reason. `place`: `outbox`, or the queue in which it died."""

    id: UUID | None
    place: str
    type: str
    reason: str
    tries: int | None
    died_at: datetime | None
    body: str
