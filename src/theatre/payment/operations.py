"""What payment systems did with money, as they list it, and as one of them stands now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import or_, select

from theatre.contracts import payment as contract
from theatre.contracts.money import Amount
from theatre.contracts.payment import AttemptStatus, OperationKind, OperationQuestion, RefundStatus
from theatre.kit.db import Sessions, transact, transaction
from theatre.payment import attempts, refunds
from theatre.payment.errors import OperationsNotListed, PeriodInvalid
from theatre.payment.models import Attempt, Refund
from theatre.payment.outside import Outside
from theatre.payment.providers import Provider
from theatre.payment.statements import ListedOperation, Period

LONGEST_PERIOD = timedelta(days=32)


def period_of(since: datetime, until: datetime) -> Period:
    """Make a period that may be asked for.

    Raises:
        PeriodInvalid
    """
    if not timedelta() < until - since <= LONGEST_PERIOD:
        raise PeriodInvalid
    return Period(since, until)


async def list_page(
    sessions: Sessions, provider: str, period: Period, *, cursor: str | None, outside: Outside
) -> contract.OperationPage:
    """Give a page of what a provider did, each operation with the id that we know it by.

    Raises:
        OperationsNotListed, OutcomeUnknown
    """
    try:
        statement = outside.statements[provider]
    except KeyError:
        raise OperationsNotListed from None
    page = await statement.read_page(period, cursor)
    known: dict[tuple[OperationKind, str], UUID] = {}
    for kind in OperationKind:
        items_of_kind = [item for item in page.items if item.kind is kind]
        known |= await _identify(sessions, provider, items_of_kind, kind=kind)
    items = [_to_contract(item, known.get((item.kind, item.reference))) for item in page.items]
    return contract.OperationPage(items=items, next_cursor=page.next_cursor)


async def settle(
    sessions: Sessions, provider: str, question: OperationQuestion, *, outside: Outside
) -> contract.SettledOperation:
    """Read one operation from its provider, outside any transaction, and bring ours to what it says.

    So a capture that we never heard of is told, and a refund made in the provider's cabinet is recognised. What the
    provider has not done, or we do not believe, is no operation.

    Raises:
        OperationsNotListed: no such provider.
        OutcomeUnknown
    """
    if provider not in outside.providers:
        raise OperationsNotListed
    reference = question.reference or await _find_reference(sessions, provider, question)
    if reference is None:
        return contract.SettledOperation(reference=None, operation_id=question.operation_id, operation=None)
    read = _read_capture if question.kind is OperationKind.CAPTURE else _read_refund
    listed = await read(sessions, outside.provider(provider), reference, outside=outside)
    own_id = await _find_own(sessions, provider, reference, kind=question.kind)
    operation = _to_contract(listed, own_id) if listed else None
    return contract.SettledOperation(reference=reference, operation_id=own_id, operation=operation)


async def _read_capture(
    sessions: Sessions, provider: Provider, reference: str, *, outside: Outside
) -> ListedOperation | None:
    reading = await provider.read(reference)
    if reading is None or reading.doubt or reading.status != AttemptStatus.SUCCEEDED:
        return None
    await attempts.settle(sessions, reading, provider=provider.name, outside=outside)
    return ListedOperation(
        kind=OperationKind.CAPTURE,
        reference=reference,
        payment_reference=reference,
        own_id=reading.attempt_id,
        amount=reading.amount,
        fee=None,
        happened_at=reading.captured_at or outside.clock.now(),
    )


async def _read_refund(
    sessions: Sessions, provider: Provider, reference: str, *, outside: Outside
) -> ListedOperation | None:
    reading = await provider.read_refund(reference)
    if reading is None or reading.status != RefundStatus.SUCCEEDED:
        return None
    now = outside.clock.now()
    await transact(sessions, partial(refunds.apply, reading=reading, provider=provider.name, now=now))
    return ListedOperation(
        kind=OperationKind.REFUND,
        reference=reference,
        payment_reference=reading.payment_reference or "",
        own_id=reading.refund_id,
        amount=reading.amount,
        fee=None,
        happened_at=reading.created_at or now,
    )


async def _identify(
    sessions: Sessions, provider: str, items: Sequence[ListedOperation], *, kind: OperationKind
) -> dict[tuple[OperationKind, str], UUID]:
    """Find which of ours each is. The id that we gave along counts only where ours is no other operation already:
    an attempt that was paid twice is one of ours once."""
    own_ids = [item.own_id for item in items if item.own_id is not None]
    table = Attempt if kind is OperationKind.CAPTURE else Refund
    named = or_(table.provider_reference.in_([item.reference for item in items]), table.id.in_(own_ids))
    found = select(table.id, table.provider_reference).where(table.provider == provider, named)
    async with transaction(sessions) as session:
        ours = {row.id: row.provider_reference for row in await session.execute(found)}
    by_reference = {reference: id for id, reference in ours.items() if reference is not None}
    by_own_id = {
        item.reference: item.own_id
        for item in items
        if item.own_id is not None and ours.get(item.own_id) in {None, item.reference}
    }
    return {(kind, reference): id for reference, id in {**by_own_id, **by_reference}.items()}


async def _find_own(sessions: Sessions, provider: str, reference: str, *, kind: OperationKind) -> UUID | None:
    table = Attempt if kind is OperationKind.CAPTURE else Refund
    found = select(table.id).where(table.provider == provider, table.provider_reference == reference)
    async with transaction(sessions) as session:
        return await session.scalar(found)


async def _find_reference(sessions: Sessions, provider: str, question: OperationQuestion) -> str | None:
    table = Attempt if question.kind is OperationKind.CAPTURE else Refund
    found = select(table.provider_reference).where(
        table.provider == provider, table.id == question.operation_id
    )
    async with transaction(sessions) as session:
        return await session.scalar(found)


def _to_contract(item: ListedOperation, known: UUID | None) -> contract.Operation:
    return contract.Operation(
        kind=item.kind,
        reference=item.reference,
        payment_reference=item.payment_reference,
        operation_id=known,
        amount=Amount.of(item.amount),
        fee=Amount.of(item.fee) if item.fee else None,
        happened_at=item.happened_at,
    )
