"""What must be true of the data of all services together, whatever happened (`invariants.sql`), and what is under way.

Asked by a login that sees every schema, as no service does. The oracles that are not tables of the sandbox, the mail
server's catch and the answers that buyers got, are told to schema `oracle`.
"""

import re
from collections.abc import Collection
from pathlib import Path
from uuid import UUID

import asyncpg

HEADING = re.compile(r"^-- (I-\d\d) (.+)$", re.MULTILINE)
PASSED = "interval '2 minutes'"
# leases, pauses and moments of the next try or question
MOMENTS = (
    ("auth.outbox_message", "next_try_at"),
    ("billing.outbox_message", "next_try_at"),
    ("payment.outbox_message", "next_try_at"),
    ("billing.payment", "next_ask_at"),
    ("billing.refund", "next_ask_at"),
    ("payment.attempt", "next_check_at"),
    ("payment.refund", "next_check_at"),
    ("payment.provider_event", "next_check_at"),
    ("notification.delivery", "next_try_at"),
    ("sandbox.notification", "next_try_at"),
    ("sandbox.notification", "claimed_until"),
)
UNDER_WAY = """
SELECT what, count(*) FROM (
    SELECT 'message of auth' FROM auth.outbox_message WHERE sent_at IS NULL AND dead_at IS NULL
    UNION ALL SELECT 'message of billing' FROM billing.outbox_message WHERE sent_at IS NULL AND dead_at IS NULL
    UNION ALL SELECT 'message of payment' FROM payment.outbox_message WHERE sent_at IS NULL AND dead_at IS NULL
    UNION ALL SELECT 'fact not heard' FROM payment.outbox_message o WHERE NOT EXISTS (
        SELECT FROM billing.inbox_message i WHERE i.message_id = o.id AND coalesce(i.handled_at, i.dead_at) IS NOT NULL)
    UNION ALL SELECT 'fact not heard' FROM billing.outbox_message o WHERE o.type IN (
        'billing.payment.paid', 'billing.payment.failed', 'billing.payment.refunded', 'billing.refund.requested')
        AND NOT EXISTS (SELECT FROM billing.inbox_message i
        WHERE i.message_id = o.id AND coalesce(i.handled_at, i.dead_at) IS NOT NULL)
    UNION ALL SELECT 'greeting' FROM auth.outbox_message o WHERE o.type = 'auth.user.registered' AND NOT EXISTS (
        SELECT FROM notification.inbox_message i WHERE i.message_id = o.id)
    UNION ALL SELECT 'payment ' || status FROM billing.payment WHERE status IN ('unpaid', 'pending')
    UNION ALL SELECT 'refund' FROM billing.refund WHERE status = 'pending'
    UNION ALL SELECT 'attempt' FROM payment.attempt WHERE status IN ('created', 'pending')
    UNION ALL SELECT 'refund at the provider' FROM payment.refund WHERE status = 'pending'
    UNION ALL SELECT 'callback' FROM payment.provider_event WHERE status = 'waiting'
    UNION ALL SELECT 'notification of the provider' FROM sandbox.notification WHERE next_try_at IS NOT NULL
    UNION ALL SELECT 'mail' FROM notification.delivery WHERE status IN ('queued', 'sending')
) AS found (what) GROUP BY what
"""


def read_invariants() -> dict[str, str]:
    """Give every invariant as the statement whose rows violate it, by number and words."""
    text = Path(__file__).with_suffix(".sql").read_text()
    headings = list(HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return {
        f"{heading[1]} {heading[2]}": text[heading.end() : end].strip()
        for heading, end in zip(headings, ends, strict=True)
    }


async def open_oracle(database: asyncpg.Pool) -> None:
    """Make the tables of what is known from outside."""
    await database.execute("CREATE SCHEMA oracle")
    await database.execute("CREATE TABLE oracle.mail (message_id text)")
    await database.execute("CREATE TABLE oracle.accepted (payment_id uuid)")


async def tell_oracle(database: asyncpg.Pool, *, mails: Collection[str], accepted: Collection[UUID]) -> None:
    """Write down which mails arrived and which payments buyers were told to have begun."""
    await database.execute("TRUNCATE oracle.mail, oracle.accepted")
    await database.execute("INSERT INTO oracle.mail SELECT unnest($1::text[])", list(mails))
    await database.execute("INSERT INTO oracle.accepted SELECT unnest($1::uuid[])", list(accepted))


async def find_under_way(database: asyncpg.Pool) -> dict[str, int]:
    """Count what has not come to its end yet, by what it is."""
    return dict(await database.fetch(UNDER_WAY))


async def pass_time(database: asyncpg.Pool) -> None:
    """Let two minutes pass for everybody who waits for a moment: the bench's way to move all clocks at once."""
    for table, column in MOMENTS:
        await database.execute(
            f"UPDATE {table} SET {column} = {column} - {PASSED} WHERE {column} > now() - {PASSED}"
        )
    await database.execute(
        f"UPDATE billing.idempotency_key SET locked_at = locked_at - {PASSED} WHERE status IS NULL"
    )


async def find_violations(database: asyncpg.Pool | asyncpg.Connection) -> dict[str, list[str]]:
    """Give the rows that break an invariant, by its name; nothing if all is well."""
    found = {name: await database.fetch(statement) for name, statement in read_invariants().items()}
    return {name: [str(dict(row)) for row in rows] for name, rows in found.items() if rows}
