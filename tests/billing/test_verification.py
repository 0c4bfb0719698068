"""The statements about the books that are always true: each finds what breaks it."""

import pytest
from sqlalchemy import text

from tests.billing.acts import (
    ask_back,
    buy,
    pay,
)
from tests.billing.checks import faults
from theatre.billing import (
    verification,
)
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session

# what breaks each statement, done to the rows of one payment
POSTINGS = "entry_id IN (SELECT id FROM billing.ledger_entry WHERE payment_id = :payment)"
NEW_DISPUTE = (
    "INSERT INTO billing.dispute (id, payment_id, attempt_id, provider, provider_reference, status, revision,"
    " amount_minor, currency, withdrawn_minor, reason, opened_at, closed_at)"
    " SELECT id, id, paid_attempt_id, provider, id::text, 'won', 1, 1, 'RUB', 0, '', paid_at, paid_at"
    " FROM billing.payment WHERE id = :payment"
)
PLANTS: dict[str, str] = {
    "what a dispute took is booked, and nothing of one that was won but the fee that was kept": (
        NEW_DISPUTE.replace("'won', 1, 1, 'RUB', 0", "'lost', 1, 1, 'RUB', 1")
    ),
    "refunds and disputes together never cost more than was paid": (
        f"UPDATE billing.ledger_posting SET account = 'chargebacks' WHERE account = 'cash:yookassa' AND {POSTINGS}"
    ),
    "what a dispute took beyond what was left of its payment has a case": (
        f"WITH made AS ({NEW_DISPUTE} RETURNING id, payment_id), posted AS (UPDATE billing.ledger_posting"
        f" SET account = 'unallocated' WHERE account = 'cash:yookassa' AND {POSTINGS})"
        " UPDATE billing.ledger_entry e SET operation_key = concat_ws(':', 'dispute', made.id, 0) FROM made"
        " WHERE e.payment_id = made.payment_id AND e.kind = 'capture'"
    ),
    "no buyer owes anything: every sale is captured": (
        f"UPDATE billing.ledger_posting SET account = 'receivable' WHERE account = 'cash:yookassa' AND {POSTINGS}"
    ),
    "closed days hold what was posted on them": (
        "INSERT INTO billing.ledger_closing (zone, closed_until) VALUES ('UTC', '2100-01-01')"
    ),
    "stored balances equal the sum of postings": (
        "UPDATE billing.account_balance SET balance_minor = balance_minor + 1"
    ),
    "every payment that is paid or refunded has its sale, and no other has one": (
        "UPDATE billing.payment SET status = 'canceled', paid_at = NULL WHERE id = :payment"
    ),
    "what a payment sold is what it asked for": (
        "UPDATE billing.payment SET total_minor = total_minor + 1 WHERE id = :payment"
    ),
    "what is to be refunded is owed, refund by refund": (
        "UPDATE billing.refund SET status = 'failed' WHERE payment_id = :payment"
    ),
    "refunds never sum to more than was paid": (
        "UPDATE billing.refund SET amount_minor = amount_minor * 9 WHERE payment_id = :payment"
    ),
    "what a payment says was refunded is what its refunds say": (
        "UPDATE billing.payment SET refunded_minor = 7 WHERE id = :payment"
    ),
    "deferred revenue is what the schedules have still to earn": (
        "UPDATE billing.revenue_schedule SET recognized_minor = 1 WHERE payment_id = :payment"
    ),
    "every line of a paid payment has one right to watch, and no other line has one": (
        "DELETE FROM billing.entitlement WHERE payment_id = :payment"
    ),
    "a refunded payment gives no right to watch": (
        "UPDATE billing.payment SET status = 'refunded' WHERE id = :payment"
    ),
    "every entry has two lines at least and sums to zero per currency": (
        "UPDATE billing.ledger_posting SET amount_minor = amount_minor + 1"
        f" WHERE account = 'cash:yookassa' AND {POSTINGS}"
    ),
    "money that bought nothing is on its way back or has an open case": (
        f"UPDATE billing.ledger_posting SET account = 'unallocated' WHERE account = 'receivable' AND {POSTINGS}"
    ),
}


@pytest.mark.parametrize("statement", verification.CHECKS)
async def test_each_statement_finds_a_planted_fault(
    owner: Session, settings: BillingSettings, statement: str
) -> None:
    """Part 3 of the reliability matrix: a check that cannot fail proves nothing."""
    payment = await buy(owner, settings, "plan")
    await pay(owner, settings, payment)
    await ask_back(owner, settings, payment, amount_minor=10000)
    await owner.flush()
    await owner.execute(text("SET LOCAL session_replication_role = replica"))
    # other tests leave rows of their own
    before = set(await faults(owner))
    await owner.execute(text(PLANTS[statement]), {"payment": payment.id})
    assert [fault for fault in set(await faults(owner)) - before if fault.startswith(statement)]
