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
from theatre.payment.errors import OperationNotFound, OperationsNotListed, PeriodInvalid
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
) -> contract.Operation:
    """Read one operation from its provider, outside any transaction, and bring ours to what it says.

    So a capture that we never heard of is told, and a refund made in the provider's cabinet is recognised.

    Raises:
        OperationsNotListed: no such provider.
        OperationNotFound: the provider has not done it, or we do not believe it.
        OutcomeUnknown
    """
    if provider not in outside.providers:
        raise OperationsNotListed
    reference = question.reference or await _reference(sessions, provider, question)
    settled = _settle_capture if question.kind is OperationKind.CAPTURE else _settle_refund
    return await settled(sessions, outside.provider(provider), reference, outside=outside)


async def _settle_capture(
    sessions: Sessions, provider: Provider, reference: str, *, outside: Outside
) -> contract.Operation:
    reading = await provider.read(reference)
    if reading is None or reading.doubt or reading.status != AttemptStatus.SUCCEEDED:
        raise OperationNotFound
    attempt = await attempts.settle(sessions, reading, provider=provider.name, outside=outside)
    return contract.Operation(
        kind=OperationKind.CAPTURE,
        reference=reading.reference,
        payment_reference=reading.reference,
        operation_id=attempt.id if attempt and attempt.provider_reference == reading.reference else None,
        amount=Amount.of(reading.amount),
        fee=None,
        happened_at=reading.captured_at or outside.clock.now(),
    )


async def _settle_refund(
    sessions: Sessions, provider: Provider, reference: str, *, outside: Outside
) -> contract.Operation:
    reading = await provider.read_refund(reference)
    if reading is None or reading.status != RefundStatus.SUCCEEDED:
        raise OperationNotFound
    now = outside.clock.now()
    await transact(sessions, partial(refunds.apply, reading=reading, provider=provider.name, now=now))
    return contract.Operation(
        kind=OperationKind.REFUND,
        reference=reading.reference,
        payment_reference=reading.payment_reference or "",
        operation_id=await _find_refund(sessions, provider.name, reading.reference),
        amount=Amount.of(reading.amount),
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
        ours = dict((await session.execute(found)).tuples().all())
    by_reference = {reference: id for id, reference in ours.items() if reference is not None}
    by_own_id = {
        item.reference: item.own_id
        for item in items
        if item.own_id is not None and ours.get(item.own_id) in {None, item.reference}
    }
    return {(kind, reference): id for reference, id in {**by_own_id, **by_reference}.items()}


async def _find_refund(sessions: Sessions, provider: str, reference: str) -> UUID | None:
    found = select(Refund.id).where(Refund.provider == provider, Refund.provider_reference == reference)
    async with transaction(sessions) as session:
        return await session.scalar(found)


async def _reference(sessions: Sessions, provider: str, question: OperationQuestion) -> str:
    table = Attempt if question.kind is OperationKind.CAPTURE else Refund
    found = select(table.provider_reference).where(
        table.provider == provider, table.id == question.operation_id
    )
    async with transaction(sessions) as session:
        reference = await session.scalar(found)
    if reference is None:
        raise OperationNotFound
    return reference


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
