"""Each invariant finds its planted violation; where the database refuses the plant, that refusal is the proof."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.faults import invariants
from tests.faults.bench import Bench

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]

# table, condition, and what makes the copy of one of its rows differ
Twin = tuple[str, str, str]

PLANTS: dict[str, str | Twin] = {
    "I-01": "UPDATE billing.ledger_posting SET amount_minor = amount_minor + 1 WHERE position = 0",
    "I-02": "UPDATE billing.ledger_posting SET amount_minor = amount_minor + 1 WHERE position = 0",
    "I-03": "DELETE FROM billing.ledger_posting WHERE position > 0",
    "I-06": "UPDATE billing.ledger_entry SET operation_key = 'x' || operation_key",
    "I-07": "UPDATE payment.attempt SET status = 'pending'",
    "I-08": "UPDATE billing.ledger_posting SET amount_minor = 2 * amount_minor",
    "I-09": "UPDATE billing.payment_item SET unit_minor = 1, total_minor = quantity",
    "I-10": (
        "payment.attempt",
        "status = 'succeeded'",
        "id = gen_random_uuid(), provider_reference = 'other'",
    ),
    "I-11": "UPDATE payment.attempt SET captured_minor = captured_minor + 1",
    "I-12": "UPDATE billing.payment SET paid_attempt_id = NULL WHERE status = 'paid'",
    "I-13": (
        "billing.payment_transition",
        "true",
        "id = gen_random_uuid(), from_status = 'paid', to_status = 'unpaid'",
    ),
    "I-14": ("billing.payment_transition", "to_status = 'paid'", "id = gen_random_uuid()"),
    "I-15": ("billing.refund", "status = 'succeeded'", "id = gen_random_uuid(), status = 'pending'"),
    "I-16": "UPDATE billing.refund SET currency = 'XXX'",
    "I-17": "UPDATE billing.ledger_entry SET refund_id = NULL",
    "I-19": "UPDATE sandbox.payment SET amount_minor = amount_minor + 1",
    "I-20": ("sandbox.payment", "true", "id = gen_random_uuid()"),
    "I-21": ("sandbox.payment", "status = 'succeeded'", "id = gen_random_uuid()"),
    "I-22": "UPDATE payment.attempt SET provider_reference = id::text",
    "I-23": "DELETE FROM billing.entitlement",
    "I-24": "UPDATE billing.entitlement SET user_id = gen_random_uuid()",
    "I-25": "UPDATE billing.entitlement SET revoked_at = NULL",
    "I-26": (
        "billing.subscription_period",
        "revoked_at IS NULL",
        "id = gen_random_uuid(), payment_item_id = gen_random_uuid()",
    ),
    "I-28": "UPDATE billing.outbox_message SET sent_at = NULL",
    "I-29": ("billing.outbox_message", "type = 'billing.payment.paid'", "id = gen_random_uuid()"),
    "I-31": "DELETE FROM billing.inbox_message",
    "I-32": "UPDATE notification.notification SET dedupe_key = id::text",
    "I-34": "DELETE FROM oracle.mail",
    "I-35": "INSERT INTO oracle.mail VALUES ('<nobody@example.com>')",
    "I-37": "UPDATE billing.idempotency_key SET status = NULL, locked_at = now() - interval '1 hour'",
    "I-38": "INSERT INTO oracle.accepted VALUES (gen_random_uuid())",
    "I-41": "UPDATE payment.provider_event SET status = 'waiting'",
    "I-42": "UPDATE payment.attempt SET status = 'pending', created_at = now() - interval '3 hours'",
}
REFUSED: dict[str, Twin] = {
    "I-04": ("billing.ledger_entry", "true", "id = gen_random_uuid()"),
    "I-18": ("payment.refund", "provider_reference IS NOT NULL", "id = gen_random_uuid()"),
    "I-27": ("billing.subscription_period", "true", "id = gen_random_uuid()"),
    "I-30": ("billing.inbox_message", "true", "tries = 7"),
    "I-33": ("notification.delivery", "true", "id = gen_random_uuid()"),
    "I-36": ("billing.idempotency_key", "true", "locked_at = now()"),
    "I-40": ("payment.provider_event", "true", "id = gen_random_uuid()"),
}


@pytest.fixture(scope="module")
async def healthy(bench: Bench) -> Bench:
    """A bench on which somebody has bought, and somebody has bought and taken it back."""
    buyer = await bench.new_buyer()
    await buyer.wait_for(await buyer.buy(), "paid")
    payment = await buyer.buy()
    await buyer.wait_for(payment, "paid")
    await buyer.take_back(payment)
    await buyer.wait_for(payment, "refunded")
    await bench.check()
    return bench


@asynccontextmanager
async def never_committed(bench: Bench) -> AsyncIterator[asyncpg.Connection]:
    """Open a transaction in which no trigger and no foreign key is in the way, and roll it back."""
    async with bench.database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute("SET LOCAL session_replication_role = replica")
            yield connection
        finally:
            await transaction.rollback()


async def plant(connection: asyncpg.Connection, what: str | Twin) -> None:
    """Break something."""
    if isinstance(what, str):
        await connection.execute(what)
        return
    table, condition, differing = what
    await connection.execute(
        f"CREATE TEMP TABLE twin ON COMMIT DROP AS SELECT * FROM {table} WHERE {condition} LIMIT 1"
    )
    await connection.execute(f"UPDATE twin SET {differing}")
    await connection.execute(f"INSERT INTO {table} SELECT * FROM twin")


@pytest.mark.parametrize("number", PLANTS)
async def test_an_invariant_finds_what_breaks_it(healthy: Bench, number: str) -> None:
    """RELIABILITY 3."""
    async with never_committed(healthy) as connection:
        await plant(connection, PLANTS[number])
        found = await invariants.find_violations(connection)
    assert any(name.startswith(number) for name in found), sorted(found)


@pytest.mark.parametrize("number", REFUSED)
async def test_the_database_refuses_what_would_break_an_invariant(healthy: Bench, number: str) -> None:
    """RELIABILITY 3, structural guards."""
    async with never_committed(healthy) as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            await plant(connection, REFUSED[number])


def test_every_invariant_is_tried() -> None:
    assert {name[:4] for name in invariants.read_invariants()} == PLANTS.keys() | REFUSED.keys()
