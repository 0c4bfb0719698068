"""The common purchase as one statement: idempotency key, stored answer, payment and items in one round trip.

It does what `purchases.create` under `Once.run` does, without the ORM and its six round trips. Whatever is not the
plain case (a repeat, a promo code, a saved method, a price no longer sold, nothing found) is left to that path, which
knows the right refusal.
"""

from http import HTTPStatus

from fastapi import Response

from theatre.billing import payments
from theatre.billing.models import Payment
from theatre.billing.resources import Resources
from theatre.billing.schemas import PaymentAnswer
from theatre.kit.db import fetch_row
from theatre.kit.errors import Problem
from theatre.kit.idempotency import Once, to_bytes

CREATE = """
WITH sold AS (
    SELECT count(*) AS number FROM billing.price JOIN billing.product ON product.id = price.product_id
    WHERE price.id = ANY($6::uuid[]) AND price.is_active AND product.is_active
), claimed AS (
    INSERT INTO billing.idempotency_key (user_id, key, fingerprint, locked_at, status, answer)
    SELECT $1, $2, $3, $4, 201, $5 FROM sold WHERE number = cardinality($6::uuid[])
    ON CONFLICT DO NOTHING RETURNING user_id
), paid AS (
    INSERT INTO billing.payment (id, user_id, status, currency, total_minor, discount_minor, refunded_minor, title,
                                 created_at, expires_at, save_method)
    SELECT $7, claimed.user_id, 'unpaid', $8, $9, 0, 0, $10, $4, $11, false FROM claimed RETURNING id
), lines AS (
    INSERT INTO billing.payment_item (id, payment_id, position, product_id, price_id, name, kind, quantity,
                                      unit_minor, total_minor)
    SELECT line.id, paid.id, line.position - 1, line.product_id, line.price_id, line.name, line.kind, line.quantity,
           line.unit_minor, line.unit_minor * line.quantity
    FROM paid, unnest($12::uuid[], $13::uuid[], $6::uuid[], $14::text[], $15::text[], $16::int[], $17::bigint[])
        WITH ORDINALITY AS line (id, product_id, price_id, name, kind, quantity, unit_minor, position)
)
SELECT id FROM paid"""


async def create(
    held: Resources, once: Once, *, purchase: payments.Purchase, terms: payments.Terms
) -> Response | None:
    """Make an unpaid payment if this is the plain case; None if it is not, and then nothing was done."""
    if purchase.promo_code is not None or purchase.payment_method_id is not None:
        return None
    found = await held.price_book.find([wish.price_id for wish in purchase.wishes])
    try:
        payment = payments.draft(once.user_id, purchase, found, terms=terms)
    except Problem:
        return None
    body = to_bytes(PaymentAnswer.of(payment))
    if await fetch_row(held.engine, CREATE, *_arguments(once, payment, body)) is None:
        return None
    return Response(body, status_code=HTTPStatus.CREATED, media_type="application/json")


def _arguments(once: Once, payment: Payment, body: bytes) -> list[object]:
    items = payment.items
    return [
        once.user_id,
        once.key,
        once.fingerprint,
        payment.created_at,
        body,
        [item.price_id for item in items],
        payment.id,
        payment.currency,
        payment.total_minor,
        payment.title,
        payment.expires_at,
        [item.id for item in items],
        [item.product_id for item in items],
        [item.name for item in items],
        [item.kind for item in items],
        [item.quantity for item in items],
        [item.unit_minor for item in items],
    ]
