"""What Stripe took and gave back, by the transactions of its balance.

Charges and refunds are operations. Payouts, Stripe's own bills and disputes move money too and are none, nor is a
refund that failed: its money has come back. A transaction names no session, which is our reference, so that of each
charge is asked for. What was charged past a session of ours goes by the name of its intent.

A transaction may stand in the list a little after its charge, whose moment is the one that counts with us. Moments are
asked for, not days, so there is no zone of Stripe's: a day is from midnight to midnight in the caller's.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from theatre.contracts.payment import OperationKind, RefundStatus
from theatre.kit.money import MoneyError
from theatre.payment.errors import OutcomeUnknown
from theatre.payment.providers.shapes import id_in, read_item
from theatre.payment.providers.stripe_amounts import from_wire
from theatre.payment.providers.stripe_lists import TRANSACTIONS, find_session_id, read_page
from theatre.payment.providers.stripe_objects import ListedCharge, Refund, Transaction, moment
from theatre.payment.providers.stripe_wire import Wire
from theatre.payment.statements import ListedOperation, ListedPage, Period

# each charge is one more question, and a page has to be answered within the time of one call
PAGE_ITEMS = 20
AT_ONCE = 5
# cards, and all other ways to pay
CAPTURES = frozenset({"charge", "payment"})
REFUNDS = frozenset({"refund", "payment_refund"})


class StripeStatement:
    """The member. Its cursor is the last transaction that was shown."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def read_page(self, period: Period, cursor: str | None) -> ListedPage:
        """See `Statement`."""
        asked = {
            "created": {"gte": int(period.since.timestamp()), "lt": int(period.until.timestamp())},
            "limit": PAGE_ITEMS,
            "expand": ["data.source"],
            **({"starting_after": cursor} if cursor else {}),
        }
        page = await read_page(self._wire, TRANSACTIONS, asked)
        transactions = [read_item(Transaction, item) for item in page.data]
        gate = asyncio.Semaphore(AT_ONCE)
        found = await asyncio.gather(*(self._read(one, gate) for one in transactions))
        return ListedPage([one for one in found if one is not None], page.next_after)

    async def _read(self, transaction: Transaction, gate: asyncio.Semaphore) -> ListedOperation | None:
        if transaction.type not in CAPTURES | REFUNDS:
            return None
        try:
            async with gate:
                if transaction.type in CAPTURES:
                    return await self._read_charge(transaction, _source(transaction))
                return await self._read_refund(read_item(Refund, _source(transaction)))
        except MoneyError as error:
            raise OutcomeUnknown(f"an amount of {transaction.id} makes no sense: {error}") from error

    async def _read_charge(self, transaction: Transaction, source: Mapping[str, Any]) -> ListedOperation:
        charge = read_item(ListedCharge, source)
        reference = await self._name(charge.payment_intent, charge.id)
        return ListedOperation(
            kind=OperationKind.CAPTURE,
            reference=reference,
            payment_reference=reference,
            own_id=id_in(charge.metadata, "attempt_id"),
            amount=from_wire(charge.amount_captured, charge.currency),
            fee=from_wire(transaction.fee, transaction.currency),
            happened_at=moment(charge.created),
        )

    async def _read_refund(self, refund: Refund) -> ListedOperation | None:
        reading = refund.to_reading(payment_reference=None)
        if reading.status != RefundStatus.SUCCEEDED:
            return None
        return ListedOperation(
            kind=OperationKind.REFUND,
            reference=reading.reference,
            payment_reference=await self._name(refund.payment_intent, refund.id),
            own_id=reading.refund_id,
            amount=reading.amount,
            fee=None,
            happened_at=moment(refund.created),
        )

    async def _name(self, intent_id: str | None, otherwise: str) -> str:
        session_id = await find_session_id(self._wire, intent_id) if intent_id else None
        return session_id or intent_id or otherwise


def _source(transaction: Transaction) -> Mapping[str, Any]:
    if transaction.source is None:
        raise OutcomeUnknown(f"Stripe does not show what {transaction.id} is of")
    return transaction.source
