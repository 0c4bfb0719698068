"""Money that came and bought nothing: it has a case, and a person gives it back."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from tests.billing.acts import (
    NOW,
    REFUSED,
    ask_back,
    balances,
    buy,
    open_attempt,
    pay,
    success,
)
from tests.billing.checks import faults
from theatre.billing import (
    refunds,
    settlements,
)
from theatre.billing.errors import (
    CaseNotOpen,
    CaseNotRefundable,
)
from theatre.billing.models import Case, Refund
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session


async def test_another_amount_opens_one_case(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    event = success(payment, attempt_id, amount_minor=5)
    for _ in range(2):
        await settlements.settle(session, event, settings=settings, now=NOW)
    case = (await session.scalars(select(Case).where(Case.payment_id == payment.id))).one()
    assert case.details["captured"] == {"amount": "0.05", "currency": "RUB"}
    assert not [fault for fault in await faults(session) if str(attempt_id) in fault]


async def test_staff_give_unallocated_money_back_and_the_case_is_closed(
    session: Session, settings: BillingSettings
) -> None:
    """F-C10: money of another amount is nobody's until a person decides; above the limit two of them."""
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    event = success(payment, attempt_id, amount_minor=29899)
    await settlements.settle(session, event, settings=settings, now=NOW)
    case = (await session.scalars(select(Case).where(Case.payment_id == payment.id))).one()
    none = settings.model_copy(update={"refund_limits": {}})
    staff = uuid4()
    refund = await refunds.give_back_unallocated(
        session, case.id, staff_id=staff, note="called the buyer", settings=none, now=NOW
    )
    assert (refund.status, case.status, case.note) == ("requested", "resolved", "called the buyer")
    await refunds.approve(session, refund.id, staff_id=uuid4(), now=NOW)
    await refunds.succeed(session, payment.id, refund.id, now=NOW)
    assert await balances(session, payment) == {}
    with pytest.raises(CaseNotOpen):
        await refunds.give_back_unallocated(
            session, case.id, staff_id=staff, note="again", settings=none, now=NOW
        )


async def test_late_money_whose_refund_failed_can_be_given_back_by_staff(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    await settlements.settle(session, success(payment, uuid4()), settings=settings, now=NOW)
    refund = (await session.scalars(select(Refund).where(Refund.payment_id == payment.id))).one()
    await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW)
    assert (await balances(session, payment))["unallocated"] == -29900
    case = (await session.scalars(select(Case).where(Case.payment_id == payment.id))).one()
    again = await refunds.give_back_unallocated(
        session, case.id, staff_id=uuid4(), note="by another card", settings=settings, now=NOW
    )
    await refunds.succeed(session, payment.id, again.id, now=NOW)
    assert await balances(session, payment) == {"cash:yookassa": 29900, "revenue:film": -29900}


async def test_a_case_about_something_else_gives_nothing_back(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    refund = await ask_back(session, settings, payment)
    await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW)
    case = (await session.scalars(select(Case).where(Case.payment_id == payment.id))).one()
    with pytest.raises(CaseNotRefundable):
        await refunds.give_back_unallocated(
            session, case.id, staff_id=uuid4(), note="x", settings=settings, now=NOW
        )
