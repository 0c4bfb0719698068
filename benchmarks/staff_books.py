"""What goes with a million payments in the benchmark of staff's doors: their ledger, refunds, plans and receipts."""

import asyncpg

# ids as the house makes them: in order of their moments
ID = (
    "(lpad(to_hex((extract(epoch FROM {0}) * 1000)::bigint), 12, '0') || '7'"
    " || substr(md5(random()::text), 1, 19))::uuid"
)
PLANS = 20_000
"""Of the latest paid payments, those that bought a month; each earns its daily share since."""

# without constraints and triggers, which have been tested: what is filled in has the form of money, and balances
STATEMENTS = f"""
CREATE TEMP TABLE paid AS
SELECT id, user_id, status, provider, total_minor, paid_at, paid_attempt_id,
    row_number() OVER (ORDER BY paid_at DESC) <= {PLANS} AND status = 'paid' AS is_plan
FROM billing.payment WHERE paid_at IS NOT NULL;
ANALYZE paid;
CREATE TEMP TABLE fact AS
SELECT {ID.format("paid_at")} AS id, 'sale:' || id AS operation_key, 'sale' AS kind, id AS payment_id,
    NULL::text AS reference, paid_at AS occurred_at, 'receivable' AS debit,
    CASE WHEN is_plan THEN 'deferred:plan' ELSE 'revenue:film' END AS credit, total_minor AS minor FROM paid
UNION ALL
SELECT {ID.format("paid_at")}, 'capture:' || paid_attempt_id, 'capture', id, paid_attempt_id::text, paid_at,
    'cash:' || provider, 'receivable', total_minor FROM paid
UNION ALL
SELECT {ID.format("paid_at")}, 'refund_accepted:' || id, 'refund_accepted', id, NULL, paid_at, 'revenue:film',
    'refunds_payable', total_minor FROM paid WHERE status = 'refunded'
UNION ALL
SELECT {ID.format("paid_at")}, 'refund:' || id, 'refund', id, NULL, paid_at, 'refunds_payable', 'cash:' || provider,
    total_minor FROM paid WHERE status = 'refunded'
UNION ALL
SELECT {ID.format("day")}, 'recognition:' || id || ':' || day, 'recognition', id, NULL, day, 'deferred:plan',
    'revenue:plan', total_minor / 30
FROM paid, generate_series(paid_at + interval '1 day', now(), interval '1 day') day WHERE is_plan;
INSERT INTO billing.ledger_entry (id, operation_key, kind, payment_id, provider_reference, occurred_at)
SELECT id, operation_key, kind, payment_id, reference, occurred_at FROM fact ORDER BY occurred_at;
INSERT INTO billing.ledger_posting (entry_id, position, account, amount_minor, currency)
SELECT id, position, CASE position WHEN 0 THEN debit ELSE credit END,
    CASE position WHEN 0 THEN minor ELSE -minor END, 'RUB' FROM fact, generate_series(0, 1) position
ORDER BY occurred_at, id, position;
INSERT INTO billing.payment_item (id, payment_id, position, product_id, price_id, name, kind, quantity, unit_minor,
    total_minor)
SELECT gen_random_uuid(), paid.id, 0, price.product_id, price.id, 'Metropolis', product.kind, 1, total_minor,
    total_minor
FROM paid JOIN billing.product ON product.code = CASE WHEN is_plan THEN 'standard' ELSE 'metropolis-film' END
JOIN LATERAL (SELECT * FROM billing.price WHERE product_id = product.id LIMIT 1) price ON true ORDER BY paid_at;
INSERT INTO billing.subscription (id, user_id, product_id, price_id, status, zone, anchor_at, anchor_months, paid_from,
    paid_until, cancel_at_period_end, created_at)
SELECT paid.id, gen_random_uuid(), item.product_id, item.price_id, 'active', 'Europe/Moscow', paid_at, 1, paid_at,
    paid_at + interval '1 month', false, paid_at
FROM paid JOIN billing.payment_item item ON item.payment_id = paid.id WHERE is_plan;
INSERT INTO billing.subscription_period (id, subscription_id, payment_item_id, payment_id, starts_at, ends_at)
SELECT gen_random_uuid(), paid.id, item.id, paid.id, paid_at, paid_at + interval '1 month'
FROM paid JOIN billing.payment_item item ON item.payment_id = paid.id WHERE is_plan;
INSERT INTO billing.refund (id, payment_id, attempt_id, provider, status, source, amount_minor, currency, reason,
    created_at, settled_at)
SELECT {ID.format("paid_at")}, id, paid_attempt_id, provider, 'succeeded', 'user', total_minor, 'RUB', 'x', paid_at,
    paid_at FROM paid WHERE status = 'refunded';
INSERT INTO billing.payment_transition (id, payment_id, from_status, to_status, reason, attempt_id, occurred_at)
SELECT {ID.format("paid_at")}, id, 'pending', 'paid', 'captured', paid_attempt_id, paid_at FROM paid;
INSERT INTO billing.promo_code (id, code, kind, percent, starts_at, used_count, is_active, created_at)
SELECT gen_random_uuid(), 'SPRING', 'percent', 10, now(), 0, true, now();
INSERT INTO billing.receipt (id, kind, status, payment_id, attempt_id, amount_minor, currency, lines, created_at,
    submission_id, registered_at)
SELECT {ID.format("paid_at")}, 'income', 'succeeded', id, paid_attempt_id, total_minor, 'RUB', '[]', paid_at,
    gen_random_uuid(), paid_at FROM paid;
"""


async def fill_books(connection: asyncpg.Connection) -> None:
    """Fill in the books of all paid payments; the connection must be free of constraints and triggers."""
    for statement in STATEMENTS.split(";\n"):
        if statement.strip():
            await connection.execute(statement)
