"""What must be true of the books of billing, payment and the sandbox: statements whose every row is a fault.

Part 3 of the reliability matrix, written for our tables. `ALWAYS` holds after every step, `AT_REST` once nothing is on
its way any more. They see the tables of all three, which no service may.
"""

from collections.abc import Mapping

import asyncpg

from theatre.billing.verification import CHECKS

# CONTRACT 5, written out: the code's own table proves nothing about itself
PAYMENT_PATHS = (
    ("unpaid", "pending"),
    ("unpaid", "canceled"),
    ("unpaid", "expired"),
    ("unpaid", "paid"),
    ("pending", "paid"),
    ("pending", "unpaid"),
    ("pending", "canceled"),
    ("pending", "expired"),
    ("paid", "refunded"),
)
# all that a thing may have become between two looks
LATER: Mapping[str, Mapping[str, frozenset[str]]] = {
    "refund": {
        "requested": frozenset({"pending", "rejected", "succeeded", "failed"}),
        "pending": frozenset({"succeeded", "failed"}),
        "failed": frozenset({"succeeded"}),
    },
    "attempt": {
        "created": frozenset({"pending", "succeeded", "failed"}),
        "pending": frozenset({"succeeded", "failed"}),
        "failed": frozenset({"succeeded"}),
    },
    "payment refund": {"pending": frozenset({"succeeded", "failed"}), "failed": frozenset({"succeeded"})},
    "case": {"open": frozenset({"resolved"})},
}
STATES = """
SELECT 'refund' AS thing, id, status FROM billing.refund
UNION ALL SELECT 'attempt', id, status FROM payment.attempt
UNION ALL SELECT 'payment refund', id, status FROM payment.refund
UNION ALL SELECT 'case', id, status FROM billing.staff_case
"""

REACHED = """
SELECT 'payment ' || status AS what, count(*) FROM billing.payment GROUP BY 1
UNION ALL SELECT 'refund by ' || source || ' ' || status, count(*) FROM billing.refund GROUP BY 1
UNION ALL SELECT 'attempt ' || status, count(*) FROM payment.attempt GROUP BY 1
UNION ALL SELECT 'case ' || kind, count(*) FROM billing.staff_case GROUP BY 1
UNION ALL SELECT 'subscription ' || status, count(*) FROM billing.subscription GROUP BY 1
UNION ALL SELECT 'right used', count(*) FROM billing.entitlement WHERE used_at IS NOT NULL
UNION ALL SELECT 'refund after the wish to cancel', count(*) FROM billing.payment
    WHERE status = 'refunded' AND cancel_requested_at IS NOT NULL
UNION ALL SELECT 'message tried again', count(*) FROM billing.inbox_message WHERE tries > 1
"""
# what a long run must have met, or it proves nothing
MUST_REACH = frozenset(
    {
        *(f"payment {status}" for status in ("paid", "refunded", "canceled", "expired")),
        *(
            f"refund by {source} {status}"
            for source in ("user", "staff", "late")
            for status in ("succeeded", "failed")
        ),
        "case unallocated_money",
        "refund by staff rejected",
        "refund after the wish to cancel",
        "right used",
    }
)

ALWAYS: Mapping[str, str] = {
    **CHECKS,
    "I-13: a payment goes the ways of the contract only, each from where it was": f"""
        SELECT payment_id::text FROM (
            SELECT *, lag(to_status, 1, 'unpaid') OVER (PARTITION BY payment_id ORDER BY id) AS was
            FROM billing.payment_transition) step
        WHERE was <> from_status OR (from_status, to_status) NOT IN (VALUES {", ".join(map(str, PAYMENT_PATHS))})""",
    "I-14: a payment is where its last step led": """
        SELECT p.id::text FROM billing.payment p WHERE p.status <> coalesce(
            (SELECT to_status FROM billing.payment_transition t WHERE t.payment_id = p.id ORDER BY id DESC LIMIT 1),
            'unpaid')""",
    "a payment that is not pending has no open attempt": """
        SELECT p.id::text FROM billing.payment p JOIN payment.attempt a ON a.payment_id = p.id
        WHERE p.status IN ('unpaid', 'canceled', 'expired') AND a.status IN ('created', 'pending')""",
    "I-19: what the ledger has captured, the provider has captured": """
        SELECT e.operation_key FROM billing.ledger_entry e
        JOIN billing.ledger_posting g ON g.entry_id = e.id AND g.account LIKE 'cash:%'
        LEFT JOIN payment.attempt a ON e.operation_key = 'capture:' || a.id
        LEFT JOIN sandbox.payment s ON s.id::text = a.provider_reference AND s.status = 'succeeded'
            AND (s.amount_minor, s.currency) = (g.amount_minor, g.currency)
        WHERE e.kind = 'capture' AND s.id IS NULL""",
    "I-19: what the ledger has given back, the provider has given back": """
        SELECT e.operation_key FROM billing.ledger_entry e
        JOIN billing.ledger_posting g ON g.entry_id = e.id AND g.account LIKE 'cash:%'
        LEFT JOIN payment.refund r ON r.id = e.refund_id
        LEFT JOIN sandbox.refund s ON s.id::text = r.provider_reference AND s.status = 'succeeded'
            AND (-s.amount_minor, s.currency) = (g.amount_minor, g.currency)
        WHERE e.kind = 'refund' AND s.id IS NULL""",
    "I-20: one attempt, one payment at the provider": """
        SELECT metadata ->> 'attempt_id' FROM sandbox.payment GROUP BY 1 HAVING count(*) > 1""",
    "I-18: one refund of ours, one of the provider's": """
        SELECT metadata ->> 'refund_id' FROM sandbox.refund GROUP BY 1 HAVING count(*) > 1""",
    "I-15: never more back than came in": """
        SELECT a.id::text FROM payment.attempt a JOIN payment.refund r ON r.attempt_id = a.id AND r.status <> 'failed'
        GROUP BY a.id HAVING sum(r.amount_minor) > a.captured_minor
        UNION ALL SELECT p.id::text FROM billing.payment p JOIN billing.refund r ON r.payment_id = p.id
        WHERE r.status IN ('requested', 'pending', 'succeeded') AND r.source <> 'late'
        GROUP BY p.id HAVING sum(r.amount_minor) > p.total_minor""",
    "I-16: a refund is of what was paid, or of money that came late": """
        SELECT r.id::text FROM billing.refund r JOIN billing.payment p ON p.id = r.payment_id
        WHERE r.currency <> p.currency OR r.source <> 'late'
            AND (p.status NOT IN ('paid', 'refunded') OR r.attempt_id IS DISTINCT FROM p.paid_attempt_id)""",
    "above the limit of staff, a second person has agreed": """
        SELECT r.payment_id::text FROM billing.refund r WHERE r.source = 'staff' AND r.decided_by IS NULL
            AND r.status IN ('pending', 'succeeded')
        GROUP BY 1 HAVING sum(r.amount_minor) > 20000""",
    "what staff asked for and decided is in the audit": """
        SELECT r.id::text FROM billing.refund r,
            LATERAL (VALUES ('refund.create', r.requested_by), ('refund.' || CASE r.status
                WHEN 'rejected' THEN 'reject' ELSE 'approve' END, r.decided_by)) deed (action, staff_id)
        WHERE r.source = 'staff' AND deed.staff_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM billing.audit_record a
            WHERE (a.action, a.subject_id, a.actor_id) = (deed.action, r.id::text, deed.staff_id))""",
    "I-24: a right belongs to who paid": """
        SELECT t.id::text FROM billing.entitlement t JOIN billing.payment p ON p.id = t.payment_id
        WHERE t.user_id <> p.user_id""",
    "I-23: who has paid may watch, unless staff took the right": """
        SELECT t.id::text FROM billing.entitlement t JOIN billing.payment p ON p.id = t.payment_id
        WHERE p.status = 'paid' AND t.revoked_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM billing.refund r WHERE r.payment_id = p.id AND r.takes_rights AND r.status = 'succeeded')""",
    "I-26: periods of a subscription do not overlap": """
        SELECT a.subscription_id::text FROM billing.subscription_period a
        JOIN billing.subscription_period b ON a.subscription_id = b.subscription_id AND a.id < b.id
            AND (a.starts_at, a.ends_at) OVERLAPS (b.starts_at, b.ends_at)
        WHERE a.revoked_at IS NULL AND b.revoked_at IS NULL""",
    "a running plan ends with its last paid period": """
        SELECT s.id::text FROM billing.subscription s WHERE s.status = 'active' AND s.paid_until IS DISTINCT FROM
            (SELECT max(ends_at) FROM billing.subscription_period p
             WHERE p.subscription_id = s.id AND p.revoked_at IS NULL)""",
    "I-29: a success says so once": """
        SELECT data ->> 'payment_id' FROM billing.outbox_message WHERE type = 'billing.payment.paid'
        GROUP BY 1 HAVING count(*) > 1""",
    "no message is given up": """
        SELECT id::text FROM billing.outbox_message WHERE dead_at IS NOT NULL
        UNION ALL SELECT id::text FROM payment.outbox_message WHERE dead_at IS NOT NULL
        UNION ALL SELECT message_id::text FROM billing.inbox_message WHERE dead_at IS NOT NULL""",
}

AT_REST: Mapping[str, str] = {
    "I-42: no payment is open": "SELECT id::text FROM billing.payment WHERE status IN ('unpaid', 'pending')",
    "no refund is on its way": """
        SELECT id::text FROM billing.refund WHERE status IN ('requested', 'pending')
        UNION ALL SELECT id::text FROM payment.refund WHERE status = 'pending'""",
    "I-42: no attempt is open": "SELECT id::text FROM payment.attempt WHERE status IN ('created', 'pending')",
    "I-41: every callback is decided": "SELECT event || ' ' || id FROM payment.provider_event WHERE status = 'waiting'",
    "I-28: every fact has left": """
        SELECT id::text FROM billing.outbox_message WHERE sent_at IS NULL
        UNION ALL SELECT id::text FROM payment.outbox_message WHERE sent_at IS NULL""",
    "I-31: every fact that was heard is settled": """
        SELECT consumer || ' ' || message_id FROM billing.inbox_message WHERE handled_at IS NULL""",
    "nothing is owed": """
        SELECT e.payment_id || ' ' || g.account FROM billing.ledger_entry e
        JOIN billing.ledger_posting g ON g.entry_id = e.id AND g.account IN ('receivable', 'refunds_payable')
        GROUP BY e.payment_id, g.account, g.currency HAVING sum(g.amount_minor) <> 0""",
    "money that bought nothing was given back or has an open case": """
        SELECT e.payment_id::text FROM billing.ledger_entry e
        JOIN billing.ledger_posting g ON g.entry_id = e.id AND g.account = 'unallocated'
        WHERE NOT EXISTS (SELECT FROM billing.staff_case c WHERE c.payment_id = e.payment_id AND c.status = 'open')
        GROUP BY e.payment_id, g.currency HAVING sum(g.amount_minor) <> 0""",
    "I-12: money is kept of paid payments only, or a case is open": """
        SELECT p.id::text FROM billing.payment p JOIN billing.ledger_entry e ON e.payment_id = p.id
        JOIN billing.ledger_posting g ON g.entry_id = e.id AND g.account LIKE 'cash:%'
        WHERE p.status <> 'paid' AND e.kind <> 'fee'
            AND NOT EXISTS (SELECT FROM billing.staff_case c WHERE c.payment_id = p.id AND c.status = 'open')
        GROUP BY p.id, g.currency HAVING sum(g.amount_minor) <> 0""",
    "I-19, I-22: the provider holds for each payment what the ledger says": """
        SELECT coalesce(there.payment_id, here.payment_id) FROM (
            SELECT metadata ->> 'payment_id' AS payment_id, currency, sum(amount_minor - refunded_minor) AS held
            FROM sandbox.payment WHERE status = 'succeeded' GROUP BY 1, 2
        ) there FULL JOIN (
            SELECT e.payment_id::text, g.currency, sum(g.amount_minor) AS held FROM billing.ledger_entry e
            JOIN billing.ledger_posting g ON g.entry_id = e.id AND g.account LIKE 'cash:%'
            WHERE e.kind <> 'fee' GROUP BY 1, 2
        ) here USING (payment_id, currency) WHERE coalesce(there.held, 0) <> coalesce(here.held, 0)""",
    "I-25: what was given back cannot be watched, what was paid can": """
        SELECT p.id::text FROM billing.payment p JOIN billing.entitlement t ON t.payment_id = p.id
        WHERE (p.status = 'refunded') <> (t.revoked_at IS NOT NULL) AND NOT EXISTS (
            SELECT FROM billing.refund r WHERE r.payment_id = p.id AND r.takes_rights AND r.status = 'succeeded')""",
}


def one_query(statements: Mapping[str, str]) -> str:
    """Put statements together, so that a look at the books is one question."""
    parts = (
        f"SELECT '{name.replace(chr(39), chr(39) * 2)}', found FROM ({query}) AS fault (found)"
        for name, query in statements.items()
    )
    return "\nUNION ALL ".join(parts)


LOOK_ALWAYS, LOOK_AT_REST = one_query(ALWAYS), one_query({**ALWAYS, **AT_REST})


async def faults(oracle: asyncpg.Connection, *, at_rest: bool = False) -> list[str]:
    """List the statements that do not hold, each with a row that breaks it."""
    rows = await oracle.fetch(LOOK_AT_REST if at_rest else LOOK_ALWAYS)
    return [f"{statement}: {found}" for statement, found in rows]


async def reached(oracle: asyncpg.Connection) -> dict[str, int]:
    """Count what a run has met."""
    return dict(await oracle.fetch(REACHED))


async def is_quiet(oracle: asyncpg.Connection) -> bool:
    """Tell whether nothing is on its way any more."""
    names = list(AT_REST)[:6]
    return not await oracle.fetch(one_query({name: AT_REST[name] for name in names}))


class Watch:
    """Remembers the state of refunds, attempts and cases, and names steps that none of them may take."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], str] = {}

    async def faults(self, oracle: asyncpg.Connection) -> list[str]:
        """Look again; lists what went where it may not."""
        found = []
        for thing, id, status in await oracle.fetch(STATES):
            was = self.seen.get((thing, str(id)), status)
            if status != was and status not in LATER[thing].get(was, frozenset()):
                found.append(f"{thing} {id} became {status} from {was}")
            self.seen[thing, str(id)] = status
        return found
