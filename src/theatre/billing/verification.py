"""What must be true of the ledger at any moment: statements whose every row is a fault. Read-only."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from sqlalchemy import text

from theatre.billing import audit
from theatre.kit.db import Session

SHOWN = 5

CHECKS: Mapping[str, str] = {
    "every entry has two lines at least and sums to zero per currency": """
        SELECT e.operation_key FROM billing.ledger_entry e LEFT JOIN billing.ledger_posting p ON p.entry_id = e.id
        GROUP BY e.id, p.currency HAVING count(p.entry_id) < 2 OR sum(p.amount_minor) <> 0""",
    "stored balances equal the sum of postings": """
        SELECT coalesce(held.account, posted.account) || ' ' || coalesce(held.currency, posted.currency) FROM
            (SELECT account, currency, sum(balance_minor) AS sum FROM billing.account_balance GROUP BY 1, 2) held
            FULL JOIN (SELECT account, currency, sum(amount_minor) AS sum FROM billing.ledger_posting GROUP BY 1, 2)
            posted USING (account, currency)
        WHERE coalesce(held.sum, 0) <> coalesce(posted.sum, 0)""",
    "closed days hold what was posted on them": """
        SELECT concat_ws(' ', zone, day_on, kind, account, currency) FROM (
            SELECT zone, day_on, kind, account, currency, sum_minor, line_count FROM billing.ledger_day
        ) held FULL JOIN (
            SELECT c.zone, (e.occurred_at AT TIME ZONE c.zone)::date AS day_on, e.kind, p.account, p.currency,
                sum(p.amount_minor) AS posted_minor, count(*) AS posted_count
            FROM billing.ledger_closing c
            JOIN billing.ledger_entry e ON (e.occurred_at AT TIME ZONE c.zone)::date < c.closed_until
            JOIN billing.ledger_posting p ON p.entry_id = e.id GROUP BY 1, 2, 3, 4, 5
        ) posted USING (zone, day_on, kind, account, currency)
        WHERE sum_minor IS DISTINCT FROM posted_minor OR line_count IS DISTINCT FROM posted_count""",
    "no buyer owes anything: every sale is captured": """
        SELECT e.payment_id::text FROM billing.ledger_entry e JOIN billing.ledger_posting p ON p.entry_id = e.id
        WHERE p.account = 'receivable' GROUP BY e.payment_id, p.currency HAVING sum(p.amount_minor) <> 0""",
    "every payment that is paid or refunded has its sale, and no other has one": """
        SELECT p.id::text FROM billing.payment p
        LEFT JOIN billing.ledger_entry e ON e.payment_id = p.id AND e.kind = 'sale'
        WHERE (p.status IN ('paid', 'refunded')) <> (e.id IS NOT NULL)""",
    "what a payment sold is what it asked for": """
        SELECT p.id::text FROM billing.payment p JOIN billing.ledger_entry e ON e.payment_id = p.id AND e.kind = 'sale'
        JOIN billing.ledger_posting g ON g.entry_id = e.id AND g.account IN ('receivable', 'promo')
        GROUP BY p.id HAVING sum(g.amount_minor) <> p.total_minor + p.discount_minor""",
    "what is to be refunded is owed, refund by refund": """
        SELECT r.id::text FROM billing.refund r LEFT JOIN (
            SELECT e.refund_id, sum(g.amount_minor) AS owed FROM billing.ledger_entry e
            JOIN billing.ledger_posting g ON g.entry_id = e.id WHERE g.account = 'refunds_payable' GROUP BY 1
        ) payable ON payable.refund_id = r.id
        WHERE coalesce(payable.owed, 0) <> CASE r.status WHEN 'pending' THEN -r.amount_minor ELSE 0 END""",
    "refunds never sum to more than was paid": """
        SELECT p.id::text FROM billing.payment p JOIN billing.refund r ON r.payment_id = p.id
        WHERE r.status = 'requested' OR r.status IN ('pending', 'succeeded')
            AND EXISTS (SELECT FROM billing.refund_item i WHERE i.refund_id = r.id)
        GROUP BY p.id HAVING sum(r.amount_minor) > p.total_minor""",
    "what a payment says was refunded is what its refunds say": """
        SELECT p.id::text FROM billing.payment p LEFT JOIN (
            SELECT r.payment_id, sum(r.amount_minor) AS given FROM billing.refund r
            WHERE r.status = 'succeeded' AND EXISTS (SELECT FROM billing.refund_item i WHERE i.refund_id = r.id)
            GROUP BY 1
        ) back ON back.payment_id = p.id WHERE p.refunded_minor <> coalesce(back.given, 0)""",
    "deferred revenue is what the schedules have still to earn": """
        SELECT coalesce(s.payment_id, g.payment_id)::text FROM (
            SELECT payment_id, sum(amount_minor - recognized_minor) AS rest FROM billing.revenue_schedule GROUP BY 1
        ) s FULL JOIN (
            SELECT e.payment_id, -sum(g.amount_minor) AS rest FROM billing.ledger_entry e
            JOIN billing.ledger_posting g ON g.entry_id = e.id WHERE g.account LIKE 'deferred:%' GROUP BY 1
        ) g ON g.payment_id = s.payment_id WHERE coalesce(s.rest, 0) <> coalesce(g.rest, 0)""",
    "every line of a paid payment has one right to watch, and no other line has one": """
        SELECT p.id::text FROM billing.payment p JOIN billing.payment_item i ON i.payment_id = p.id
        LEFT JOIN billing.entitlement t ON t.payment_item_id = i.id
        WHERE (p.status IN ('paid', 'refunded')) <> (t.id IS NOT NULL)""",
    "a refunded payment gives no right to watch": """
        SELECT p.id::text FROM billing.payment p JOIN billing.entitlement t ON t.payment_id = p.id
        WHERE p.status = 'refunded' AND t.revoked_at IS NULL""",
    "money that bought nothing is on its way back or has an open case": """
        SELECT e.operation_key FROM billing.ledger_entry e
        JOIN billing.ledger_posting g ON g.entry_id = e.id AND g.account = 'unallocated' AND e.kind = 'capture'
        WHERE NOT EXISTS (SELECT FROM billing.refund r WHERE 'capture:' || r.attempt_id = e.operation_key
                          AND r.source = 'late')
          AND NOT EXISTS (SELECT FROM billing.staff_case c WHERE c.cause = e.operation_key)""",
    "what a dispute took is booked, and nothing of one that was won but the fee that was kept": """
        SELECT d.id::text FROM billing.dispute d LEFT JOIN (
            SELECT split_part(e.operation_key, ':', 2) AS dispute_id, e.kind, -sum(g.amount_minor) AS taken
            FROM billing.ledger_entry e JOIN billing.ledger_posting g ON g.entry_id = e.id
            WHERE e.kind IN ('dispute', 'dispute_fee') AND g.account LIKE 'cash:%' GROUP BY 1, 2
        ) booked ON booked.dispute_id = d.id::text
        GROUP BY d.id HAVING
            coalesce(sum(booked.taken) FILTER (WHERE booked.kind = 'dispute'), 0)
                <> CASE d.status WHEN 'won' THEN 0 ELSE d.withdrawn_minor END
            OR coalesce(sum(booked.taken) FILTER (WHERE booked.kind = 'dispute_fee'), 0) <> coalesce(d.fee_minor, 0)""",
    "refunds and disputes together never cost more than was paid": """
        SELECT p.id::text FROM billing.payment p JOIN (
            SELECT e.payment_id, sum(g.amount_minor) AS lost FROM billing.ledger_entry e
            JOIN billing.ledger_posting g ON g.entry_id = e.id WHERE g.account = 'chargebacks' GROUP BY 1
        ) back ON back.payment_id = p.id
        WHERE back.lost < 0 OR back.lost + (
            SELECT coalesce(sum(i.amount_minor), 0) FROM billing.refund_item i
            JOIN billing.refund r ON r.id = i.refund_id
            WHERE r.payment_id = p.id AND r.status IN ('pending', 'succeeded')) > p.total_minor""",
    "what a dispute took beyond what was left of its payment has a case": """
        SELECT d.id::text FROM billing.dispute d
        JOIN billing.ledger_entry e ON e.operation_key LIKE 'dispute:' || d.id || ':%' AND e.payment_id = d.payment_id
        JOIN billing.ledger_posting g ON g.entry_id = e.id AND g.account = 'unallocated'
        WHERE NOT EXISTS (SELECT FROM billing.staff_case c WHERE c.cause = concat_ws(':', 'dispute', d.id, 'beyond'))
        GROUP BY d.id HAVING sum(g.amount_minor) <> 0""",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement, how many rows break it, and a few of them by name."""

    statement: str
    number: int
    examples: tuple[str, ...]


async def verify(session: Session) -> AsyncIterator[Finding]:
    """Check every statement about the ledger and the audit's chain, one after another, on one snapshot of the data."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    for statement, query in CHECKS.items():
        found = (await session.scalars(text(query))).all()
        yield Finding(statement, len(found), tuple(map(str, found[:SHOWN])))
    broken = (await audit.verify(session)).broken_number
    yield Finding("the audit's chain is whole", int(broken is not None), (str(broken),) if broken else ())


async def rebuild_balances(session: Session) -> None:
    """Make the stored balances anew from the postings; nobody posts meanwhile."""
    await session.execute(text("SELECT billing.rebuild_balances()"))
