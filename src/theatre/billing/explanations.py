"""Explaining a payment: every amount derived, from price to postings, each step checked against what is stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sqlalchemy import select

from theatre.billing import (
    dispute_bookings,
    disputes,
    ledger,
    payments,
    products,
    refund_items,
    refunds,
)
from theatre.billing.models import (
    Dispute,
    LedgerEntry,
    Payment,
    PaymentItem,
    PaymentStatus,
    Price,
    Refund,
    RefundItem,
    RefundSource,
    RefundStatus,
    RevenueSchedule,
)
from theatre.kit.db import Session
from theatre.kit.money import Money


@dataclass(frozen=True, slots=True)
class Step:
    """One amount: what it is, how it came about in words, and whether what is stored says the same."""

    name: str
    derivation: str
    derived: Money
    stored: Money

    @property
    def agrees(self) -> bool:
        return self.derived == self.stored


@dataclass(frozen=True, slots=True)
class Records:
    """All that is stored of a payment's money."""

    payment: Payment
    prices: dict[UUID, Price]
    entries: Sequence[LedgerEntry]
    refunds: Sequence[Refund]
    parts: Sequence[RefundItem]
    disputes: Sequence[Dispute]
    schedules: dict[UUID, RevenueSchedule]

    def money(self, amount_minor: int) -> Money:
        return Money(amount_minor, self.payment.currency)

    def posted(self, *accounts: str) -> int:
        """Sum what was posted on accounts (by their name before the colon) in the payment's currency."""
        return sum(
            line.amount_minor
            for entry in self.entries
            for line in entry.postings
            if line.account.partition(":")[0] in accounts and line.currency == self.payment.currency
        )


async def explain(session: Session, payment_id: UUID) -> list[Step]:
    """Derive every amount of a payment: lines from prices, total, sale, money taken, given back, disputed, earned.

    Raises:
        PaymentUnknown
    """
    payment = await payments.get(session, payment_id)
    prices = await products.find_prices(session, [item.price_id for item in payment.items])
    given = await refunds.list_of(session, payment.id)
    schedules = await session.scalars(select(RevenueSchedule).where(RevenueSchedule.payment_id == payment.id))
    records = Records(
        payment=payment,
        prices=dict(prices),
        entries=await ledger.list_entries(session, payment.id),
        refunds=given,
        parts=await refund_items.list_of_payment(session, payment.id),
        disputes=await disputes.list_of(session, payment.id),
        schedules={row.payment_item_id: row for row in schedules},
    )
    steps = (_priced, _sold, _given_back, _disputed, _earned)
    return [step for derive in steps for step in derive(records)]


def _priced(records: Records) -> Iterator[Step]:
    payment = records.payment
    for item in payment.items:
        price = records.prices[item.price_id]
        derived = Money(price.amount_minor * item.quantity, price.currency)
        words = f"price {price.id} of {Money(price.amount_minor, price.currency)} × {item.quantity}"
        yield Step(f"line {item.position}: {item.name}", words, derived, records.money(item.total_minor))
    discounts = sum(item.discount_minor for item in payment.items)
    yield Step(
        "discount",
        f"shares of the lines in promo code {payment.promo_code or '(none)'}",
        records.money(discounts),
        records.money(payment.discount_minor),
    )
    total = sum(item.total_minor - item.discount_minor for item in payment.items)
    yield Step("total", "Σ lines − discount", records.money(total), payments.owed(payment))


def _sold(records: Records) -> Iterator[Step]:
    payment = records.payment
    is_sold = payment.status in {PaymentStatus.PAID, PaymentStatus.REFUNDED}
    total = payment.total_minor if is_sold else 0
    sale = [line for entry in records.entries if entry.kind == "sale" for line in entry.postings]
    owed = sum(line.amount_minor for line in sale if line.account == ledger.RECEIVABLE)
    words = (
        f"the total, as the payment is {payment.status}" if is_sold else f"nothing is sold: {payment.status}"
    )
    yield Step("sale", words, records.money(total), records.money(owed))
    yield Step(
        "receivable",
        "a sale is paid by its capture",
        records.money(0),
        records.money(records.posted("receivable")),
    )
    for provider, lines in _cash_lines(records):
        captured = sum(amount for kind, amount in lines if kind == "capture")
        kept = sum(amount for kind, amount in lines if kind == "fee")
        paid_out = sum(amount for kind, amount in lines if kind == "refund")
        disputed = sum(amount for kind, amount in lines if kind in dispute_bookings.KINDS)
        words = (
            f"captured {records.money(captured)}, kept by it {records.money(-kept)}, "
            f"given back {records.money(-paid_out)}"
        )
        yield Step(
            f"money at {provider}",
            f"{words}, disputed {records.money(-disputed)}" if records.disputes else words,
            records.money(captured + kept + paid_out + disputed),
            records.money(sum(amount for _, amount in lines)),
        )


def _cash_lines(records: Records) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    lines = sorted(
        (line.account, entry.kind, line.amount_minor)
        for entry in records.entries
        for line in entry.postings
        if line.account.startswith("cash:") and line.currency == records.payment.currency
    )
    for account, group in groupby(lines, key=lambda line: line[0]):
        yield account.partition(":")[2], [(kind, amount) for _, kind, amount in group]


def _given_back(records: Records) -> Iterator[Step]:
    for refund in records.refunds:
        parts = [part for part in records.parts if part.refund_id == refund.id]
        if parts:
            derived = records.money(sum(part.amount_minor for part in parts))
            yield Step(
                f"refund {refund.id} ({refund.status})",
                f"shares of the lines, asked for by {refund.source}: {refund.reason}",
                derived,
                Money(refund.amount_minor, refund.currency),
            )
    succeeded = [refund for refund in records.refunds if refund.status == RefundStatus.SUCCEEDED]
    counted = {part.refund_id for part in records.parts}
    total = sum(refund.amount_minor for refund in succeeded if refund.id in counted)
    yield Step(
        "refunded",
        f"Σ of {len(succeeded)} refunds that succeeded",
        records.money(total),
        records.money(records.payment.refunded_minor),
    )
    pending = [refund for refund in records.refunds if refund.status == RefundStatus.PENDING]
    owed = sum(refund.amount_minor for refund in pending if refund.currency == records.payment.currency)
    yield Step(
        "refunds payable",
        f"Σ of {len(pending)} refunds on their way",
        records.money(owed),
        records.money(-records.posted("refunds_payable")),
    )


def _disputed(records: Records) -> Iterator[Step]:
    """Derive what each dispute took from what payment-service told of it; stored is what it cost by the ledger."""
    agreed = _agreed(records)
    refunded_minor = sum(part.amount_minor for part in records.parts if part.refund_id in agreed)
    for one in dispute_bookings.share(records.payment, records.disputes, refunded_minor=refunded_minor):
        dispute, currency = one.dispute, one.dispute.currency
        sums = dispute_bookings.booked(records.entries, dispute, dispute_bookings.PRINCIPAL)
        name = f"dispute {dispute.provider_reference} ({dispute.status})"
        withdrawn = f"{Money(dispute.withdrawn_minor, currency)} withdrawn for {dispute.reason}"
        lost = Money(sums.get((ledger.CHARGEBACKS, currency), 0), currency)
        yield Step(f"{name}: lost", f"of {withdrawn}, what refunds had left", one.loss, lost)
        beyond = Money(sums.get((ledger.UNALLOCATED, currency), 0), currency)
        if one.beyond.amount_minor or beyond.amount_minor:
            yield Step(f"{name}: beyond", f"of {withdrawn}, what refunds had taken", one.beyond, beyond)
        if dispute.fee_minor is not None and dispute.fee_currency is not None:
            fees = dispute_bookings.booked(records.entries, dispute, dispute_bookings.FEE)
            account = (ledger.dispute_fees(dispute.provider), dispute.fee_currency)
            yield Step(
                f"{name}: fee",
                f"kept by {dispute.provider}",
                Money(dispute.fee_minor, dispute.fee_currency),
                Money(fees.get(account, 0), dispute.fee_currency),
            )


def _earned(records: Records) -> Iterator[Step]:
    back = _taken_back(records)
    sold = records.payment.items if any(entry.kind == "sale" for entry in records.entries) else []
    gross = sum(item.total_minor - back.get(item.id, 0) for item in sold)
    yield Step(
        "revenue, earned and deferred",
        "Σ lines before their discount, less what refunds took back",
        records.money(gross),
        records.money(-records.posted("revenue", "deferred")),
    )
    deferred = sum(row.amount_minor - row.recognized_minor for row in records.schedules.values())
    yield Step(
        "deferred revenue",
        "; ".join(_schedule_words(records, item) for item in sold if item.id in records.schedules)
        or "no plan",
        records.money(deferred),
        records.money(-records.posted("deferred")),
    )


def _agreed(records: Records) -> set[UUID]:
    return {
        refund.id
        for refund in records.refunds
        if refund.status in refund_items.AGREED and refund.source != RefundSource.LATE
    }


def _taken_back(records: Records) -> dict[UUID, int]:
    agreed = _agreed(records)
    back: dict[UUID, int] = {}
    for part in records.parts:
        if part.refund_id in agreed:
            gross = part.amount_minor + part.discount_minor
            back[part.payment_item_id] = back.get(part.payment_item_id, 0) + gross
    return back


def _schedule_words(records: Records, item: PaymentItem) -> str:
    row = records.schedules[item.id]
    earned, all_of_it = records.money(row.recognized_minor), records.money(row.amount_minor)
    return f"{item.name}: {earned} of {all_of_it} earned, from {row.starts_at:%Y-%m-%d} to {row.ends_at:%Y-%m-%d}"
