"""The first page as the panel reads it."""

from datetime import datetime
from typing import Any

from theatre.web.admin_schemas import SignedMoney
from theatre.web.schemas import Read


class Outcome(Read):
    """How many payments are in one state."""

    status: str
    count: int


class HeldPlans(Read):
    """What plans that run bring in a month."""

    currency: str
    mrr: SignedMoney
    subscription_count: int


class Waiting(Read):
    """What waits for a person; 1,000 means that many or more."""

    dead_messages: int
    failed_receipts: int
    open_cases: int
    disputes: int
    refunds: int
    next_answer_due_at: datetime | None


class Overview(Read):
    """The last thirty days, today included; what plans bring in; what waits for a person."""

    zone: str
    as_of: datetime
    revenue: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    payments: list[Outcome]
    plans: list[HeldPlans]
    waiting: Waiting
