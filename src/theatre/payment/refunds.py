"""Money on its way back: asked for once per id, and brought to what the provider says."""

from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert

from theatre.contracts.money import Amount
from theatre.contracts.payment import (
    AttemptStatus,
    Failure,
    RefundFailed,
    RefundStart,
    RefundState,
    RefundStatus,
    RefundSucceeded,
)
from theatre.kit.db import Session, Sessions, transact, transaction
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.money import Money
from theatre.kit.outbox import emit
from theatre.kit.telemetry import current_traceparent, resumed
from theatre.payment import failures
from theatre.payment.attempts import KEY_MARGIN
from theatre.payment.checks import pause_after
from theatre.payment.errors import (
    AttemptNotFound,
    NothingCaptured,
    OutcomeUnknown,
    RefundIdReused,
    RefundTooLarge,
)
from theatre.payment.failures import failure_of
from theatre.payment.models import REFUND_TRANSITIONS, Attempt, EventStatus, OutboxMessage, Refund
from theatre.payment.outcomes import Verdict
from theatre.payment.outside import Outside
from theatre.payment.providers import Provider, ProviderRefused, RefundOrder, RefundReading

MADE_IN_CABINET = "made in the provider's cabinet"

log = get_logger(__name__)


async def start(sessions: Sessions, attempt_id: UUID, asked: RefundStart, *, outside: Outside) -> RefundState:
    """Give money of an attempt back, or tell how the refund of this id stands.

    Where the provider's answer is not known the refund stays pending and is asked about by itself, with the same key.

    Raises:
        AttemptNotFound, NothingCaptured, RefundTooLarge, RefundIdReused
    """
    record = partial(_record, attempt_id=attempt_id, asked=asked, now=outside.clock.now())
    refund = await transact(sessions, record)
    if refund.status == RefundStatus.PENDING:
        try:
            refund = await check(sessions, refund, outside=outside)
        except OutcomeUnknown as unknown:
            log.warning("refund not known yet", refund_id=str(refund.id), cause=unknown.detail)
    return to_contract(refund)


async def check(sessions: Sessions, refund: Refund, *, outside: Outside) -> Refund:
    """Ask the provider about a pending refund, or for it; no transaction is open meanwhile.

    Raises:
        OutcomeUnknown
    """
    provider = outside.provider(refund.provider)
    try:
        reading = await _ask(sessions, provider, refund, outside=outside)
    except ProviderRefused as refusal:
        return await transact(
            sessions, partial(_refuse, refund_id=refund.id, refusal=refusal, now=outside.clock.now())
        )
    now = outside.clock.now()
    await transact(sessions, partial(apply, reading=reading, provider=provider.name, now=now))
    async with transaction(sessions) as session:
        return await session.get_one(Refund, refund.id)


async def apply(session: Session, *, reading: RefundReading, provider: str, now: datetime) -> Verdict:
    """Bring the refund that a reading is about to what it says. Said again, it changes nothing. Locks the refund.

    One that we never asked for, but which has reached the buyer, was made in the provider's own cabinet: it is
    recognised as a refund of the attempt whose reference it names.
    """
    refund = await _find_locked(session, reading, provider)
    if refund is None:
        refund = await _recognize(session, reading, provider, now=now)
    if refund is None:
        return Verdict(EventStatus.WAITING, "we know no such refund")
    if refund.provider_reference not in {None, reading.reference}:
        return Verdict(
            EventStatus.REJECTED, "the refund belongs to another object of the provider", needs_person=True
        )
    refund.provider_reference = reading.reference
    if reading.status == refund.status:
        return Verdict(EventStatus.APPLIED)
    if reading.status not in REFUND_TRANSITIONS[refund.status]:
        # money that was given back came back to us: the books say otherwise, and only a person can tell the user
        is_undone = reading.status == RefundStatus.FAILED
        return Verdict(
            EventStatus.REJECTED, f"{refund.status} never becomes {reading.status}", needs_person=is_undone
        )
    if reading.status == RefundStatus.SUCCEEDED:
        return Verdict(EventStatus.APPLIED, _succeed(session, refund, reading, now=now))
    code = reading.failure_code or failures.DECLINED
    _fail(session, refund, Failure(code=code, message=failures.message_of(code)), now=now)
    return Verdict(EventStatus.APPLIED)


async def _ask(sessions: Sessions, provider: Provider, refund: Refund, *, outside: Outside) -> RefundReading:
    if refund.provider_reference is not None:
        return _known(await provider.read_refund(refund.provider_reference))
    async with transaction(sessions) as session:
        attempt = await session.get_one(Attempt, refund.attempt_id)
    payment_reference = attempt.provider_reference or ""
    if outside.clock.now() >= refund.created_at + provider.capabilities.key_lifetime - KEY_MARGIN:
        found = await provider.find_refund(refund.id, payment_reference=payment_reference)
        if found is not None:
            return found
    amount = Money(refund.amount_minor, refund.currency)
    return await provider.refund(RefundOrder(refund.id, payment_reference, amount, refund.reason))


def _known(reading: RefundReading | None) -> RefundReading:
    if reading is None:
        raise OutcomeUnknown("The payment system does not know its own reference.")
    return reading


async def _record(session: Session, *, attempt_id: UUID, asked: RefundStart, now: datetime) -> Refund:
    attempt = await session.get(Attempt, attempt_id, with_for_update=True, populate_existing=True)
    if attempt is None:
        raise AttemptNotFound
    known = await session.get(Refund, asked.id)
    if known is not None:
        return _same(known, attempt_id, asked)
    if asked.payment_id != attempt.payment_id:
        raise AttemptNotFound
    await _check_amount(session, attempt, asked.amount)
    fresh = {
        "id": asked.id,
        "attempt_id": attempt_id,
        "payment_id": asked.payment_id,
        "status": RefundStatus.PENDING,
        "provider": attempt.provider,
        "amount_minor": asked.amount.amount_minor,
        "currency": asked.amount.currency,
        "reason": asked.reason,
        "created_at": now,
        "next_check_at": now + pause_after(0),
        "trace": current_traceparent(),
    }
    # the same id for two attempts at once: their locks do not meet, the key does
    await session.execute(insert(Refund).values(fresh).on_conflict_do_nothing(index_elements=[Refund.id]))
    return _same(await session.get_one(Refund, asked.id), attempt_id, asked)


def _same(refund: Refund, attempt_id: UUID, asked: RefundStart) -> Refund:
    known = (refund.attempt_id, refund.payment_id, refund.amount_minor, refund.currency, refund.reason)
    if known != (
        attempt_id,
        asked.payment_id,
        asked.amount.amount_minor,
        asked.amount.currency,
        asked.reason,
    ):
        raise RefundIdReused("This id belongs to another refund.")
    return refund


async def _check_amount(session: Session, attempt: Attempt, amount: Amount) -> None:
    if attempt.status != AttemptStatus.SUCCEEDED or attempt.captured_minor is None:
        raise NothingCaptured
    taken = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.attempt_id == attempt.id, Refund.status != RefundStatus.FAILED
    )
    left_minor = attempt.captured_minor - int(await session.scalar(taken) or 0)
    if amount.currency != attempt.captured_currency or amount.amount_minor > left_minor:
        raise RefundTooLarge


async def _find_locked(session: Session, reading: RefundReading, provider: str) -> Refund | None:
    named = or_(Refund.id == reading.refund_id, Refund.provider_reference == reading.reference)
    found = select(Refund).where(Refund.provider == provider, named).with_for_update()
    refunds = {refund.id: refund for refund in await session.scalars(found)}
    if reading.refund_id in refunds:
        return refunds[reading.refund_id]
    return next(iter(refunds.values()), None)


async def _recognize(
    session: Session, reading: RefundReading, provider: str, *, now: datetime
) -> Refund | None:
    if reading.status != RefundStatus.SUCCEEDED:
        return None
    paid = select(Attempt).where(
        Attempt.provider == provider,
        Attempt.provider_reference == reading.payment_reference,
        Attempt.status == AttemptStatus.SUCCEEDED,
    )
    attempt = await session.scalar(paid.with_for_update())
    if attempt is None:
        return None
    # whoever had the attempt's lock before us may have recognised it
    if known := await _find_locked(session, reading, provider):
        return known
    log.warning("refund made in the cabinet", attempt_id=str(attempt.id), reference=reading.reference)
    refund = Refund(
        # a refund that names an id of ours is one whose row we lost
        id=reading.refund_id or new_id(),
        attempt_id=attempt.id,
        payment_id=attempt.payment_id,
        status=RefundStatus.PENDING,
        provider=provider,
        amount_minor=reading.amount.amount_minor,
        currency=reading.amount.currency,
        reason=MADE_IN_CABINET,
        made_by_provider=reading.refund_id is None,
        created_at=reading.created_at or now,
    )
    session.add(refund)
    await session.flush()
    return refund


async def _refuse(session: Session, *, refund_id: UUID, refusal: ProviderRefused, now: datetime) -> Refund:
    refund = await session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
    if refund.status == RefundStatus.PENDING and refund.provider_reference is None:
        log.warning("provider refused", refund_id=str(refund_id), code=refusal.code, words=refusal.words)
        _fail(session, refund, failures.refused(), now=now)
    return refund


def _succeed(session: Session, refund: Refund, reading: RefundReading, *, now: datetime) -> str | None:
    refund.status, refund.settled_at, refund.next_check_at = RefundStatus.SUCCEEDED, now, None
    refund.failure_code = refund.failure_message = None
    fact = RefundSucceeded(
        refund_id=refund.id,
        attempt_id=refund.attempt_id,
        payment_id=refund.payment_id,
        amount=Amount.of(reading.amount),
        provider=refund.provider,
    )
    _tell(session, refund, fact, now=now)
    asked = Money(refund.amount_minor, refund.currency)
    return None if reading.amount == asked else f"{reading.amount} was given back, {asked} was asked for"


def _fail(session: Session, refund: Refund, failure: Failure, *, now: datetime) -> None:
    refund.status, refund.settled_at, refund.next_check_at = RefundStatus.FAILED, now, None
    refund.failure_code, refund.failure_message = failure.code, failure.message
    fact = RefundFailed(
        refund_id=refund.id, attempt_id=refund.attempt_id, payment_id=refund.payment_id, failure=failure
    )
    _tell(session, refund, fact, now=now)


def _tell(session: Session, refund: Refund, fact: RefundSucceeded | RefundFailed, *, now: datetime) -> None:
    with resumed(f"refund {refund.status}", refund.trace):
        emit(session, OutboxMessage, fact, aggregate_id=refund.payment_id, now=now)


def to_contract(refund: Refund) -> RefundState:
    """Write a refund as other services read it."""
    return RefundState(
        id=refund.id,
        attempt_id=refund.attempt_id,
        status=RefundStatus(refund.status),
        failure=failure_of(refund.failure_code, refund.failure_message),
    )
