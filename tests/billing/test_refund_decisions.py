"""What staff may give back: alone up to a limit, above it with a second person, and with or without the rights."""

from uuid import uuid4

import pytest

from tests.billing.acts import (
    NOW,
    ask_back,
    balances,
    buy,
    pay,
)
from theatre.billing import (
    entitlements,
    refunds,
)
from theatre.billing.errors import (
    PaymentNotRefundable,
    RefundNotRequested,
    RefundUnknown,
    RefundUsed,
    SecondPersonNeeded,
)
from theatre.billing.models import Refund, RefundSource, RefundStatus
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session
from theatre.kit.money import Money


async def test_above_their_limit_staff_need_a_second_person(
    session: Session, settings: BillingSettings
) -> None:
    """P2, S-B8: splitting does not help, and nobody is their own second person."""
    strict = settings.model_copy(update={"refund_limits": {"RUB": 10000}})
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    first, second = uuid4(), uuid4()

    async def claim(amount_minor: int) -> Refund:
        claimed = refunds.Claim(RefundSource.STAFF, first, "goodwill", Money(amount_minor, "RUB"))
        return await refunds.request(session, payment.id, claimed, settings=strict, now=NOW)

    assert (await claim(10000)).status == RefundStatus.PENDING
    waiting = await claim(1)
    assert waiting.status == RefundStatus.REQUESTED
    assert (await balances(session, payment))["refunds_payable"] == -10000
    with pytest.raises(SecondPersonNeeded):
        await refunds.approve(session, waiting.id, staff_id=first, now=NOW)
    await refunds.approve(session, waiting.id, staff_id=second, now=NOW)
    assert (waiting.status, waiting.decided_by) == (RefundStatus.PENDING, second)
    with pytest.raises(RefundNotRequested):
        await refunds.reject(session, waiting.id, staff_id=second, now=NOW)
    with pytest.raises(RefundUnknown):
        await refunds.approve(session, uuid4(), staff_id=second, now=NOW)


async def test_a_rejected_refund_frees_what_it_reserved(session: Session, settings: BillingSettings) -> None:
    none = settings.model_copy(update={"refund_limits": {}})
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    claimed = refunds.Claim(RefundSource.STAFF, uuid4(), "goodwill")
    waiting = await refunds.request(session, payment.id, claimed, settings=none, now=NOW)
    with pytest.raises(PaymentNotRefundable):
        await ask_back(session, settings, payment)
    await refunds.reject(session, waiting.id, staff_id=uuid4(), now=NOW)
    assert (await ask_back(session, settings, payment)).amount_minor == 29900


async def test_what_was_watched_is_given_back_by_staff_only(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    assert (await entitlements.use(session, payment.user_id, uuid4(), now=NOW)).allowed
    with pytest.raises(RefundUsed):
        await ask_back(session, settings, payment)
    claimed = refunds.Claim(RefundSource.STAFF, uuid4(), "goodwill")
    given = await refunds.request(session, payment.id, claimed, settings=settings, now=NOW)
    assert given.status == RefundStatus.PENDING


async def test_a_partial_refund_takes_the_rights_where_that_was_chosen(
    session: Session, settings: BillingSettings
) -> None:
    """R9: access ends or stays exactly as chosen."""
    for takes_rights in (False, True):
        payment = await buy(session, settings, "plan")
        await pay(session, settings, payment)
        claimed = refunds.Claim(
            RefundSource.STAFF, uuid4(), "x", Money(100, "RUB"), takes_rights=takes_rights
        )
        refund = await refunds.request(session, payment.id, claimed, settings=settings, now=NOW)
        await refunds.succeed(session, payment.id, refund.id, now=NOW)
        await session.flush()
        verdict = await entitlements.check(session, payment.user_id, uuid4(), now=NOW)
        assert (payment.status, verdict.allowed) == ("paid", not takes_rights)
