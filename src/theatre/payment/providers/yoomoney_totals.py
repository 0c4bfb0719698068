"""What was charged for an operation of our wallet: its history tells what arrived, and the rate only about the rest.

So what we know of the attempt that its label names is taken for true, if it explains what arrived to the kopeck.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from theatre.kit.money import Money
from theatre.payment.providers.yoomoney_commission import charged_of, explains
from theatre.payment.providers.yoomoney_objects import Operation
from theatre.payment.wallet_port import Total, Totals


def is_explained(operation: Operation, total: Total) -> bool:
    """Tell whether so much arrives when so much is charged."""
    if total.charged.currency != operation.credited.currency:
        return False
    if total.fee is not None and total.fee.currency == total.charged.currency:
        return total.charged - total.fee == operation.credited
    return explains(total.charged, operation.credited, by_card=operation.is_by_card)


async def charged_for(operations: Collection[Operation], totals: Totals) -> Mapping[str, Money]:
    """Tell what was charged for incoming operations, by their ids."""
    attempt_ids = {one.attempt_id for one in operations if one.attempt_id is not None}
    known = await totals.find(attempt_ids) if attempt_ids else {}
    return {one.operation_id: _charged(one, known) for one in operations}


def _charged(operation: Operation, known: Mapping[UUID, Total]) -> Money:
    total = known.get(operation.attempt_id) if operation.attempt_id is not None else None
    if total is not None and is_explained(operation, total):
        return total.charged
    return charged_of(operation.credited, by_card=operation.is_by_card)
