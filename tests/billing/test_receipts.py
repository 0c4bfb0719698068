"""Fiscal receipts: asked for with the money, once, for exactly that money."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from tests.billing.acts import NOW, buy, give_back, open_attempt, pay, success
from tests.billing.fiscal import discount, kept
from theatre.billing import receipts, refunds, settlements
from theatre.billing.errors import ReceiptNotRetriable, ReceiptUnknown
from theatre.billing.models import (
    RECEIPT_TRANSITIONS,
    Case,
    Payment,
    PaymentStatus,
    Receipt,
    ReceiptStatus,
    Refund,
    RefundSource,
)
from theatre.billing.settings import BillingSettings
from theatre.contracts.payment import Failure
from theatre.kit.db import Session

NIGHT = datetime(2031, 5, 9, 21, 0, tzinfo=UTC)
"""Midnight in Moscow, when the 10th begins; a day of which no other test knows."""


def lines_of(receipt: Receipt) -> list[tuple[str, int, int]]:
    return [(line["description"], line["quantity"], line["unit_minor"]) for line in receipt.lines]


async def test_a_paid_payment_has_a_receipt_of_its_money(session: Session, settings: BillingSettings) -> None:
    """F1"""
    payment = await buy(session, settings, "plan", "film", quantity=2)
    assert await kept(session, payment) == []
    attempt_id = await pay(session, settings, payment)
    (made,) = await kept(session, payment)
    assert (made.kind, made.status, made.amount_minor) == ("income", "pending", payment.total_minor)
    assert (made.attempt_id, made.submission_id, made.next_try_at) == (attempt_id, made.id, NOW)
    assert lines_of(made) == [(item.name, 2, item.unit_minor) for item in payment.items]


async def test_money_told_twice_has_one_receipt(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await pay(session, settings, payment)
    await settlements.settle(session, success(payment, attempt_id), settings=settings, now=NOW)
    await receipts.request_income(session, payment, now=NOW)
    assert len(await kept(session, payment)) == 1


async def test_the_database_itself_holds_one_receipt_for_a_payment(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    columns = "kind, status, payment_id, attempt_id, amount_minor, currency, lines, created_at"
    copy = text(
        f"INSERT INTO billing.receipt (id, submission_id, {columns})"
        f" SELECT :id, :id, {columns} FROM billing.receipt WHERE payment_id = :payment_id"
    )
    with pytest.raises(DBAPIError, match="uq_receipt_income"):
        await session.execute(copy, {"id": uuid4(), "payment_id": payment.id})


async def test_a_discount_is_in_the_lines_to_the_kopeck(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film", quantity=3)
    name, unit_minor = payment.items[0].name, payment.items[0].unit_minor
    await discount(session, payment, 1)
    await pay(session, settings, payment)
    (made,) = await kept(session, payment)
    assert lines_of(made) == [(name, 1, unit_minor - 1), (name, 2, unit_minor)]
    assert made.amount_minor == payment.total_minor


async def test_what_a_promo_code_paid_wholly_has_no_fiscal_receipt(
    session: Session, settings: BillingSettings
) -> None:
    """M9: the law has receipts for settlements, and none took place."""
    payment = await buy(session, settings, "film")
    await discount(session, payment, payment.total_minor)
    await receipts.request_income(session, payment, now=NOW)
    assert await kept(session, payment) == []


async def test_money_that_bought_nothing_has_no_receipt(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    wrong = success(payment, attempt_id, amount_minor=1)
    await settlements.settle(session, wrong, settings=settings, now=NOW)
    assert await kept(session, payment) == []


async def test_refunds_until_nothing_is_left_return_exactly_what_was_sold(
    session: Session, settings: BillingSettings
) -> None:
    """F1, F3: each return is of its own refund, its lines make its sum, and all together each line's."""
    payment = await buy(session, settings, "plan", "film", quantity=3)
    await discount(session, payment, 100, 7)
    await pay(session, settings, payment)
    for amount_minor in (1, 33333, 2, None):
        await give_back(session, settings, payment, amount_minor=amount_minor)
    income, *returns = await kept(session, payment)
    refunded = [refund.amount_minor for refund in await refunds.list_of(session, payment.id)]
    assert [made.amount_minor for made in returns] == refunded
    assert {made.kind for made in returns} == {"return"}
    for made in returns:
        assert sum(quantity * unit for _, quantity, unit in lines_of(made)) == made.amount_minor
    assert by_name([income]) == by_name(returns)
    assert payment.status == "refunded"


def by_name(made: list[Receipt]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name, quantity, unit_minor in (line for receipt in made for line in lines_of(receipt)):
        sums[name] = sums.get(name, 0) + quantity * unit_minor
    return sums


async def test_a_whole_refund_returns_the_lines_of_the_sale(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film", quantity=3)
    await discount(session, payment, 1)
    await pay(session, settings, payment)
    await give_back(session, settings, payment)
    income, back = await kept(session, payment)
    assert lines_of(back) == lines_of(income)


async def test_a_refund_told_twice_has_one_receipt_and_one_that_failed_has_none(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    refund = await give_back(session, settings, payment, amount_minor=1)
    await refunds.succeed(session, payment.id, refund.id, now=NOW)
    claim = refunds.Claim(RefundSource.USER, payment.user_id, "x")
    other = await refunds.request(session, payment.id, claim, settings=settings, now=NOW)
    await refunds.fail(session, payment.id, other.id, failure=Failure(code="x", message="x"), now=NOW)
    assert [made.refund_id for made in await kept(session, payment)] == [None, refund.id]


async def test_money_given_back_because_it_came_late_has_no_receipt(
    session: Session, settings: BillingSettings
) -> None:
    payment = await late_money(session, settings)
    (refund,) = await refunds.list_of(session, payment.id)
    await refunds.succeed(session, payment.id, refund.id, now=NIGHT)
    assert await kept(session, payment) == []
    (found,) = (await receipts.compare_day(session, date(2031, 5, 10))).differences
    assert (found.subject_id, found.reason, found.money_minor) == (
        refund.id,
        "unallocated",
        -payment.total_minor,
    )


async def late_money(session: Session, settings: BillingSettings, *, now: datetime = NOW) -> Payment:
    """Let money come for a payment that has ended."""
    from theatre.billing import payments

    payment = await buy(session, settings, "film", now=now)
    await payments.close(session, payment, PaymentStatus.EXPIRED, reason="x", now=now)
    await settlements.settle(session, success(payment, uuid4()), settings=settings, now=now)
    await session.flush()
    return payment


async def test_staff_retry_what_failed_as_a_new_submission(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    (made,) = await kept(session, payment)
    receipts.move(made, ReceiptStatus.FAILED)
    made.failure_code, made.tries, made.next_try_at, made.sent_at = "refused", 7, None, NOW
    await session.flush()
    later = NOW + timedelta(days=1)
    again = await receipts.retry(session, made.id, now=later)
    assert (again.status, again.tries, again.next_try_at, again.sent_at) == ("pending", 0, later, None)
    assert again.submission_id != again.id
    assert again.failure_code is None


async def test_staff_retry_of_an_unknown_outcome_keeps_its_key(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    (made,) = await kept(session, payment)
    made.tries = 5
    again = await receipts.retry(session, made.id, now=NOW)
    assert (again.status, again.tries, again.submission_id) == ("pending", 0, made.id)


async def test_what_is_registered_is_not_retried(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    (made,) = await kept(session, payment)
    receipts.move(made, ReceiptStatus.SUCCEEDED)
    made.registered_at = NOW
    await session.flush()
    with pytest.raises(ReceiptNotRetriable):
        await receipts.retry(session, made.id, now=NOW)
    with pytest.raises(ReceiptUnknown):
        await receipts.retry(session, uuid4(), now=NOW)


@pytest.mark.parametrize("start", list(ReceiptStatus))
@pytest.mark.parametrize("to", list(ReceiptStatus))
def test_a_receipt_changes_only_as_its_table_says(start: ReceiptStatus, to: ReceiptStatus) -> None:
    receipt = Receipt(id=uuid4(), status=start)
    if to in RECEIPT_TRANSITIONS[start]:
        receipts.move(receipt, to)
        assert receipt.status == to
    else:
        with pytest.raises(AssertionError):
            receipts.move(receipt, to)


async def register(session: Session, payment: Payment, *, besides: Refund | None = None) -> None:
    """Have a payment's receipts registered, except for that of a refund."""
    await session.flush()
    wanted = Receipt.payment_id == payment.id
    if besides is not None:
        wanted &= Receipt.refund_id.is_distinct_from(besides.id)
    await session.execute(update(Receipt).where(wanted).values(status="succeeded", registered_at=NOW))


async def test_a_days_receipts_equal_its_money(session: Session, settings: BillingSettings) -> None:
    """F1: income less returns is what was captured less what was given back, from midnight to midnight in Moscow."""
    sums_minor = 0
    for at in (NIGHT, NIGHT + timedelta(hours=23, minutes=59)):
        payment = await buy(session, settings, "film", "plan", now=at)
        await pay(session, settings, payment, now=at)
        await give_back(session, settings, payment, amount_minor=5000, now=at)
        await register(session, payment)
        sums_minor += payment.total_minor
    for at in (NIGHT - timedelta(seconds=1), NIGHT + timedelta(days=1)):
        await pay(session, settings, await buy(session, settings, "film", now=at), now=at)
    day = await receipts.compare_day(session, date(2031, 5, 10))
    assert (day.captured_minor, day.income_minor) == (sums_minor, sums_minor)
    assert (day.refunded_minor, day.return_minor) == (10000, 10000)
    assert day.differences == []


async def test_what_differs_on_a_day_is_named(session: Session, settings: BillingSettings) -> None:
    """F1: every kopeck of difference between money and receipts has a subject and a reason."""
    day_on, at = date(2031, 5, 10), NIGHT + timedelta(hours=12)
    unregistered = await buy(session, settings, "film", now=at)
    await pay(session, settings, unregistered, now=at)
    half_done = await buy(session, settings, "plan", now=at)
    await pay(session, settings, half_done, now=at)
    refund = await give_back(session, settings, half_done, amount_minor=100, now=at)
    await register(session, half_done, besides=refund)
    forgotten = await buy(session, settings, "film", now=at)
    await pay(session, settings, forgotten, now=at)
    await session.execute(text("DELETE FROM billing.receipt WHERE payment_id = :id"), {"id": forgotten.id})
    crooked = await buy(session, settings, "film", now=at)
    await pay(session, settings, crooked, now=at)
    await register(session, crooked)
    await session.execute(update(Receipt).where(Receipt.payment_id == crooked.id).values(amount_minor=1))
    late = await late_money(session, settings, now=at)
    day = await receipts.compare_day(session, day_on)
    found = {difference.subject_id: difference for difference in day.differences}
    assert {
        subject: found[subject].reason for subject in (unregistered.id, refund.id, forgotten.id, crooked.id)
    } == {
        unregistered.id: "pending",
        refund.id: "pending",
        forgotten.id: "missing",
        crooked.id: "amount",
    }
    (unallocated,) = (difference for difference in day.differences if difference.reason == "unallocated")
    assert (unallocated.money_minor, unallocated.receipts_minor) == (late.total_minor, 0)
    assert found[refund.id].money_minor == -100
    money_minor = day.captured_minor - day.refunded_minor
    receipts_minor = day.income_minor - day.return_minor
    gaps = (difference.money_minor - difference.receipts_minor for difference in day.differences)
    assert money_minor - receipts_minor == sum(gaps)


async def test_a_receipt_without_money_is_named(session: Session, settings: BillingSettings) -> None:
    at = NIGHT + timedelta(hours=1)
    payment = await buy(session, settings, "film", now=at)
    payment.paid_attempt_id = uuid4()
    await receipts.request_income(session, payment, now=at)
    await register(session, payment)
    (found,) = (await receipts.compare_day(session, date(2031, 5, 10))).differences
    assert (found.subject_id, found.reason, found.money_minor) == (payment.id, "without_money", 0)


async def test_lines_that_do_not_make_the_money_are_a_case_and_hold_up_no_payment(
    session: Session, settings: BillingSettings
) -> None:
    """F2: a defect of ours; the money has moved all the same."""
    payment = await buy(session, settings, "film")
    payment.paid_attempt_id = uuid4()
    payment.total_minor -= 1
    for _ in range(2):
        await receipts.request_income(session, payment, now=NOW)
    assert await kept(session, payment) == []
    (opened,) = (await session.scalars(select(Case).where(Case.payment_id == payment.id))).all()
    assert (opened.kind, opened.details["lines_minor"]) == ("receipt_failed", payment.total_minor + 1)


async def test_a_refund_that_succeeded_after_all_and_no_longer_fits_is_named_and_has_no_receipt(
    session: Session, settings: BillingSettings
) -> None:
    at = NIGHT + timedelta(hours=2)
    payment = await buy(session, settings, "film", now=at)
    await pay(session, settings, payment, now=at)
    claim = refunds.Claim(RefundSource.USER, payment.user_id, "x")
    believed_failed = await refunds.request(session, payment.id, claim, settings=settings, now=at)
    failure = Failure(code="x", message="x")
    await refunds.fail(session, payment.id, believed_failed.id, failure=failure, now=at)
    await give_back(session, settings, payment, now=at)
    await refunds.succeed(session, payment.id, believed_failed.id, now=at)
    await register(session, payment)
    day = await receipts.compare_day(session, date(2031, 5, 10))
    assert (day.refunded_minor, day.return_minor) == (2 * payment.total_minor, payment.total_minor)
    (found,) = day.differences
    assert (found.subject_id, found.reason) == (believed_failed.id, "unallocated")
    assert found.money_minor == -payment.total_minor
    assert len(await kept(session, payment)) == 2


async def test_other_money_than_roubles_is_not_for_the_register(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    payment.currency = "USD"
    await receipts.request_income(session, payment, now=NOW)
    refund = Refund(id=uuid4(), amount_minor=1)
    await receipts.request_return(session, payment, refund, now=NOW)
    await session.flush()
    assert await kept(session, payment) == []
