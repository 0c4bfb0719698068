"""What came into our YooMoney wallet and what went back to payers, by the wallet's history with its details.

All that came in is a capture, also what bears no label of ours: money that nobody asked for is what a person has to
look at. Of what went out only transfers that bear a refund's id are refunds: the owner's own spending and what was
given back by hand cannot be told apart there, and are none of our operations. What is under way has not happened yet.

Moments are asked for, not days, so there is no zone of YooMoney's: a day is from midnight to midnight in the caller's.
"""

from collections.abc import Mapping

from theatre.contracts.payment import OperationKind
from theatre.kit.money import Money
from theatre.payment.providers.yoomoney_commission import fee_of
from theatre.payment.providers.yoomoney_history import DONE, Books
from theatre.payment.providers.yoomoney_objects import Operation, uuid_in
from theatre.payment.providers.yoomoney_totals import charged_for
from theatre.payment.statements import ListedOperation, ListedPage, Period
from theatre.payment.wallet_port import Totals


class YooMoneyStatement:
    """The member. Its cursor is the number of the next record."""

    def __init__(self, books: Books, totals: Totals) -> None:
        self._books = books
        self._totals = totals

    async def read_page(self, period: Period, cursor: str | None) -> ListedPage:
        """See `Statement`."""
        page = await self._books.read_page(period.since, period.until, start=cursor)
        done = [one for one in page.operations if one.status == DONE]
        charged = await charged_for([one for one in done if one.direction == "in"], self._totals)
        items = [_captured(one, charged) if one.direction == "in" else _given_back(one) for one in done]
        return ListedPage([item for item in items if item is not None], page.next_record)


def _captured(operation: Operation, charged: Mapping[str, Money]) -> ListedOperation:
    amount = charged[operation.operation_id]
    fee = fee_of(amount, operation.credited)
    return ListedOperation(
        kind=OperationKind.CAPTURE,
        reference=operation.operation_id,
        payment_reference=operation.operation_id,
        own_id=operation.attempt_id,
        amount=amount,
        fee=fee if fee.amount_minor >= 0 else None,
        happened_at=operation.datetime,
    )


def _given_back(operation: Operation) -> ListedOperation | None:
    refund_id = uuid_in(operation.label)
    if operation.direction != "out" or refund_id is None:
        return None
    return ListedOperation(
        kind=OperationKind.REFUND,
        # a refund goes by its label here: it is looked for before anything is known of the operation
        reference=operation.label,
        payment_reference="",
        own_id=refund_id,
        amount=operation.received,
        fee=fee_of(operation.spent, operation.received),
        happened_at=operation.datetime,
    )
