"""What users are told of their plans fits what notification-service takes."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from theatre.billing import plan_news
from theatre.contracts.billing import (
    Charged,
    SubscriptionCancelRequested,
    SubscriptionEndAnnounced,
    SubscriptionPastDue,
    SubscriptionRenewed,
)
from theatre.contracts.money import Amount
from theatre.kit.events import Envelope
from theatre.kit.ids import new_id
from theatre.notification.kinds import SubscriptionStatusData

UNTIL = datetime(2027, 3, 31, 12, 0, tzinfo=UTC)
PRICE = Amount(amount_minor=39900, currency="RUB")
PLAN: dict[str, Any] = {"subscription_id": uuid4(), "user_id": uuid4(), "product_id": uuid4()}
CHARGED = Charged(payment_id=uuid4(), total=PRICE, title="Month")

renewed = SubscriptionRenewed(**PLAN, period_end=UNTIL, charged=CHARGED)
past_due = SubscriptionPastDue(
    **PLAN,
    payment_id=uuid4(),
    total=PRICE,
    title="Month",
    failure_code="card_expired",
    failure_message="The card has expired.",
    is_hopeless=True,
    grace_until=UNTIL,
)
renewing = SubscriptionEndAnnounced(**PLAN, title="Month", period_end=UNTIL, total=PRICE)
ending = SubscriptionEndAnnounced(**PLAN, title="Month", period_end=UNTIL, total=None)
canceled = SubscriptionCancelRequested(**PLAN, title="Month", ends_at=UNTIL)


@pytest.mark.parametrize(
    ("fact", "news", "status", "amount"),
    [
        (renewed, plan_news.of_renewed(renewed, CHARGED), "renewed", "399.00"),
        (past_due, plan_news.of_past_due(past_due), "past_due", "399.00"),
        (renewing, plan_news.of_end(renewing), "renewing", "399.00"),
        (ending, plan_news.of_end(ending), "ending", None),
        (canceled, plan_news.of_canceled(canceled), "canceled", None),
    ],
)
def test_news_of_a_plan_are_what_notification_service_takes(
    fact: plan_news.PlanFact, news: dict[str, Any], status: str, amount: str | None
) -> None:
    message = Envelope(id=new_id(), type=fact.key, version=1, occurred_at=UNTIL, data={})
    told = plan_news.written(fact, message, news)
    assert (told.user_id, told.dedupe_key) == (fact.user_id, str(message.id))
    data = SubscriptionStatusData.model_validate(told.data)
    assert (data.status, data.until, data.amount) == (status, UNTIL, amount)
    assert data.subscription_id == fact.subscription_id


def test_a_hopeless_card_is_told_with_its_reason() -> None:
    news = plan_news.of_past_due(past_due)
    assert (news["is_hopeless"], news["message"]) == (True, "The card has expired.")
