"""Refunds that a provider made without us: in its own cabinet, and told afterwards."""

from uuid import UUID

import pytest
from sqlalchemy import select, text

from tests.billing.acts import NOW, balances, buy, events, give_back, pay
from theatre.billing import provider_refunds, refunds, verification
from theatre.billing.models import Case, Payment, Refund, RefundSource
from theatre.billing.settings import BillingSettings
from theatre.contracts.money import Amount
from theatre.contracts.payment import RefundSucceeded
from theatre.kit.db import Session
from theatre.kit.ids import new_id


def told(payment: Payment, attempt_id: UUID, amount_minor: int, currency: str = "RUB") -> RefundSucceeded:
    """Make the fact that money went back."""
    return RefundSucceeded(
        refund_id=new_id(),
        attempt_id=attempt_id,
        payment_id=payment.id,
        amount=Amount(amount_minor=amount_minor, currency=currency),
        provider="yookassa",
    )


async def check_books(session: Session, payment: Payment) -> None:
    """No statement about the ledger is broken by a payment, its entries or its refunds."""
    await session.flush()
    ids = [str(payment.id), *(str(refund.id) for refund in await refunds.list_of(session, payment.id))]
    for statement, query in verification.CHECKS.items():
        broken = [str(name) for name in await session.scalars(text(query))]
        assert not [name for name in broken if any(id in name for id in ids)], statement


async def cases_of(session: Session, payment: Payment) -> list[str]:
    return list(await session.scalars(select(Case.kind).where(Case.payment_id == payment.id)))


async def test_a_part_given_back_in_the_cabinet_is_a_refund_like_any_other(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await pay(session, settings, payment)
    event = told(payment, attempt_id, 100)
    for _ in range(2):
        await provider_refunds.recognize(session, event, now=NOW)
    refund = await session.get_one(Refund, event.refund_id)
    assert (refund.source, refund.status, refund.settled_at) == (RefundSource.PROVIDER, "succeeded", NOW)
    assert (payment.status, payment.refunded_minor) == ("paid", 100)
    assert (await balances(session, payment))["cash:yookassa"] == payment.total_minor - 100
    assert (await events(session, payment.id)).count("billing.payment.refunded") == 1
    assert await cases_of(session, payment) == []
    await check_books(session, payment)


async def test_all_given_back_in_the_cabinet_ends_the_rights(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    attempt_id = await pay(session, settings, payment)
    await provider_refunds.recognize(session, told(payment, attempt_id, payment.total_minor), now=NOW)
    assert (payment.status, payment.refunded_minor) == ("refunded", payment.total_minor)
    await check_books(session, payment)


@pytest.mark.parametrize("currency", ["RUB", "USD"])
async def test_more_than_is_left_is_unallocated_and_a_case(
    session: Session, settings: BillingSettings, currency: str
) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await pay(session, settings, payment)
    await give_back(session, settings, payment, amount_minor=100)
    amount_minor = payment.total_minor - 99 if currency == "RUB" else 1
    event = told(payment, attempt_id, amount_minor, currency)
    for _ in range(2):
        await provider_refunds.recognize(session, event, now=NOW)
    assert payment.refunded_minor == 100
    assert (await balances(session, payment))["unallocated"] == amount_minor
    assert await cases_of(session, payment) == ["refund_unexpected"]


async def test_money_of_an_attempt_that_bought_nothing_is_taken_from_what_is_unallocated(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    await provider_refunds.recognize(session, told(payment, new_id(), 500), now=NOW)
    assert (payment.status, payment.refunded_minor) == ("paid", 0)
    assert await cases_of(session, payment) == ["refund_unexpected"]


async def test_a_refund_of_ours_is_settled_as_before(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await pay(session, settings, payment)
    claim = refunds.Claim(RefundSource.USER, payment.user_id, "changed my mind")
    refund = await refunds.request(session, payment.id, claim, settings=settings, now=NOW)
    event = told(payment, attempt_id, payment.total_minor).model_copy(update={"refund_id": refund.id})
    for _ in range(2):
        await provider_refunds.recognize(session, event, now=NOW)
    assert (refund.source, refund.status, payment.status) == (RefundSource.USER, "succeeded", "refunded")
    await check_books(session, payment)
