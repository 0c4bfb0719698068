"""Every filter of a staff list is served by an index, on a table large enough for the planner to prefer one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select

from benchmarks.plans import nodes_of, plan_of, scanned_tables
from tests.databases import fresh_database
from tests.services import Services
from theatre.billing import (
    audit,
    cases,
    disputes,
    ledger,
    payment_records,
    payment_search,
    receipts,
    subscriptions,
)
from theatre.billing.ledger import EntryFilter
from theatre.billing.models import (
    CaseKind,
    CaseStatus,
    Payment,
    PaymentStatus,
    ReceiptStatus,
    RefundStatus,
    SubscriptionStatus,
)
from theatre.billing.payment_records import PaymentFilter
from theatre.billing.payment_search import Matches
from theatre.contracts.payment_disputes import (
    DisputeStatus,
)
from theatre.kit.db import Session, Sessions, open_engine, sessions_of
from theatre.kit.listing import Listing, read_page
from theatre.kit.migrations import migrate
from theatre.kit.pagination import PageRequest, decode_cursor

USER = UUID(int=7)
START = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = PageRequest(limit=50, after=None)
# without constraints and triggers: what is filled in has only the form of money
FILL = """
SET LOCAL session_replication_role = replica;
INSERT INTO billing.payment (id, user_id, status, currency, total_minor, discount_minor, refunded_minor, title,
    provider, created_at, expires_at, save_method, open_attempt_id, paid_at)
SELECT gen_random_uuid(), ('00000000-0000-0000-0000-' || lpad(to_hex(n % 5000), 12, '0'))::uuid,
    (ARRAY['paid', 'paid', 'paid', 'expired', 'expired', 'canceled', 'unpaid', 'refunded', 'pending'])[n % 9 + 1],
    'RUB', 39900, 0, 0, 'Film', CASE WHEN n % 3 = 0 THEN NULL WHEN n < 15000 THEN 'stripe' ELSE 'yookassa' END,
    '2026-01-01Z'::timestamptz + n * interval '1 minute', '2026-06-01Z', false,
    CASE WHEN n % 9 = 8 THEN gen_random_uuid() END, CASE WHEN n % 9 IN (0, 1, 2, 7) THEN now() END
FROM generate_series(1, 30000) n;
INSERT INTO billing.payment_transition (id, payment_id, from_status, to_status, reason, attempt_id, occurred_at)
SELECT gen_random_uuid(), id, 'unpaid', 'pending', 'checkout', gen_random_uuid(), created_at FROM billing.payment;
INSERT INTO billing.ledger_entry (id, operation_key, kind, payment_id, provider_reference, occurred_at)
SELECT gen_random_uuid(), 'capture:' || id, 'capture', id, 'ref-' || id, created_at FROM billing.payment;
INSERT INTO billing.ledger_posting (entry_id, position, account, amount_minor, currency)
SELECT id, n, CASE WHEN n = 0 THEN 'cash:yookassa' WHEN random() < 0.001 THEN 'unallocated' ELSE 'revenue:film' END,
    39900, 'RUB' FROM billing.ledger_entry, generate_series(0, 1) n;
INSERT INTO billing.refund (id, payment_id, attempt_id, provider, status, source, amount_minor, currency, reason,
    created_at)
SELECT gen_random_uuid(), id, id, 'yookassa', CASE WHEN random() < 0.01 THEN 'requested' ELSE 'succeeded' END,
    'staff', 1, 'RUB', 'x', created_at FROM billing.payment;
INSERT INTO billing.dispute (id, payment_id, attempt_id, provider, provider_reference, status, revision, amount_minor,
    currency, withdrawn_minor, reason, opened_at, closed_at)
SELECT id, id, id, 'stripe', 'du_' || id, CASE WHEN random() < 0.01 THEN 'won' ELSE 'lost' END, 1, 1, 'RUB', 1, 'x',
    created_at, created_at FROM billing.payment;
INSERT INTO billing.subscription (id, user_id, product_id, price_id, status, zone, anchor_at, anchor_months,
    paid_from, paid_until, cancel_at_period_end, created_at)
SELECT id, user_id, id, id, CASE WHEN random() < 0.3 THEN 'active' ELSE 'expired' END, 'UTC', created_at, 1,
    created_at, created_at + interval '1 day', false, created_at FROM billing.payment;
INSERT INTO billing.receipt (id, kind, status, payment_id, attempt_id, amount_minor, currency, lines, created_at,
    submission_id, failure_code, registered_at)
SELECT id, 'income', CASE WHEN status = 'pending' THEN 'failed' ELSE 'succeeded' END, id, id,
    1, 'RUB', '[]', created_at, id, CASE WHEN status = 'pending' THEN 'x' END,
    CASE WHEN status <> 'pending' THEN created_at END FROM billing.payment;
INSERT INTO billing.staff_case (id, kind, cause, status, details, opened_at)
SELECT id, CASE WHEN random() < 0.1 THEN 'refund_failed' ELSE 'reconciliation' END, id::text, 'open', '{}', created_at
FROM billing.payment;
INSERT INTO billing.audit_record (number, occurred_at, actor_id, action, subject_kind, subject_id, request_id,
    previous_hash, hash)
SELECT n, '2026-01-01Z'::timestamptz + n * interval '1 minute', gen_random_uuid(),
    'payment.read', 'payment', n::text, 'r', '\\x00', decode(md5(n::text), 'hex')
FROM generate_series(1, 30000) n
"""


@pytest.fixture(scope="module")
async def filled(services: Services) -> AsyncIterator[Sessions]:
    """A database of this module's own, with 30,000 of everything that staff list."""
    async with fresh_database(services.postgres_url) as url:
        await migrate("billing", url)
        owner = await asyncpg.connect(url)
        async with owner.transaction():
            await owner.execute(FILL)
        await owner.execute("VACUUM ANALYZE")
        await owner.close()
        engine = open_engine(url, role="billing", pool_size=2)
        yield sessions_of(engine)
        await engine.dispose()


@pytest.fixture
async def session(filled: Sessions) -> AsyncIterator[Session]:
    async with filled() as session:
        yield session


FILTERS: dict[str, Any] = {
    "status": PaymentStatus.REFUNDED,
    "user_id": USER,
    "provider": "stripe",
    "since": START + timedelta(days=5),
    "until": START + timedelta(days=15),
    "currency": "RUB",
    "from_minor": 39_900,
    "to_minor": 100,
    "has_refund": True,
    "matches": Matches(user_ids=[USER]),
}
COMBINATIONS = [names for size in (0, 1, 2, len(FILTERS)) for names in combinations(FILTERS, size)]


@pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)
async def test_no_filter_of_payments_scans_the_table(session: Session, names: tuple[str, ...]) -> None:
    """P4: first page and a later one; no filter, each alone, each with each, all of them."""
    listing = payment_records.find(PaymentFilter(**{name: FILTERS[name] for name in names}))
    later = PageRequest(limit=50, after=(str(START + timedelta(days=10)), str(USER)))
    for request in (PAGE, later):
        assert scanned_tables(await plan_of(session, listing.page(request))) == set()


@pytest.mark.parametrize("provider", ["stripe", "yookassa", "nobody"])
async def test_a_provider_that_is_no_longer_used_costs_no_walk_through_newer_payments(
    session: Session, provider: str
) -> None:
    plan = await plan_of(session, payment_records.find(PaymentFilter(provider=provider)).page(PAGE))
    assert "ix_payment_provider" in {node.get("Index Name") for node in nodes_of(plan)}


@pytest.mark.parametrize(
    "listing",
    [
        payment_records.find(PaymentFilter(matches=Matches(payment_ids=[USER]))),
        payment_records.find(PaymentFilter(matches=Matches(promo_code="SPRING"))),
        payment_records.find(PaymentFilter(matches=Matches([USER], [USER], "SPRING"))),
        payment_records.find(PaymentFilter(currency="USD")),
        payment_records.find(PaymentFilter(has_refund=False)),
        receipts.find(),
        receipts.find(status=ReceiptStatus.FAILED),
        receipts.find(status=ReceiptStatus.SUCCEEDED),
        subscriptions.find(product_id=USER),
        subscriptions.find(ending_before=START + timedelta(days=3)),
        subscriptions.find(ending_before=START + timedelta(days=3), product_id=USER),
        audit.find(action="refund.approve"),
        audit.find(since=START, until=START + timedelta(days=1)),
        audit.find(since=START, action="payment.read"),
        payment_records.find_refunds(),
        payment_records.find_refunds(status=RefundStatus.REQUESTED),
        payment_records.find_refunds(payment_id=USER),
        disputes.find(),
        disputes.find(status=DisputeStatus.WON),
        disputes.find(payment_id=USER),
        disputes.find(status=DisputeStatus.WON, payment_id=USER),
        subscriptions.find(),
        subscriptions.find(status=SubscriptionStatus.ACTIVE),
        subscriptions.find(user_id=USER),
        subscriptions.find(user_id=USER, status=SubscriptionStatus.ACTIVE),
        cases.find(),
        cases.find(status=CaseStatus.OPEN),
        cases.find(kind=CaseKind.REFUND_FAILED),
        cases.find(kind=CaseKind.REFUND_FAILED, status=CaseStatus.OPEN),
        audit.find(),
        audit.find(actor_id=USER),
        audit.find(subject_kind="payment", subject_id="7"),
        ledger.find(EntryFilter()),
        ledger.find(EntryFilter(account="unallocated")),
        ledger.find(EntryFilter(account="cash:yookassa")),
        ledger.find(EntryFilter(payment_id=USER)),
        ledger.find(EntryFilter(since=START + timedelta(days=5), until=START + timedelta(days=6))),
    ],
)
async def test_no_other_list_scans_its_table(session: Session, listing: Listing[Any]) -> None:
    request = PageRequest(limit=50, after=None)
    assert scanned_tables(await plan_of(session, listing.page(request))) == set()


@pytest.mark.parametrize("word", [str(USER), "ref-1", "0000-0000-00AF"])
async def test_what_a_word_refers_to_is_found_without_a_scan(session: Session, word: str) -> None:
    assert scanned_tables(await plan_of(session, payment_search.referring(word))) == set()


async def test_a_scan_of_the_table_would_be_noticed(session: Session) -> None:
    assert scanned_tables(await plan_of(session, select(Payment).where(Payment.title == "x"))) == {"payment"}


async def test_pages_tile_a_list_of_equal_moments(session: Session) -> None:
    """A page ends between rows of one moment without losing or repeating any."""
    listing = payment_records.find(PaymentFilter(user_id=USER))
    whole = [row.id for row in (await read_page(session, listing, PAGE)).items]
    seen: list[UUID] = []
    request = PageRequest(limit=2, after=None)
    while True:
        page = await read_page(session, listing, request)
        seen += [row.id for row in page.items]
        if page.next_cursor is None:
            break
        request = PageRequest(limit=2, after=decode_cursor(page.next_cursor))
    assert seen == whole
    assert len(whole) == 6
