"""What a provider says about an attempt becomes its state: under a lock, forwards only, told by the same commit."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from theatre.contracts.money import Amount
from theatre.contracts.payment import AttemptFailed, AttemptStatus, AttemptSucceeded, Failure
from theatre.kit.db import Session
from theatre.kit.logging import get_logger
from theatre.kit.metrics import ATTEMPTS, on_commit
from theatre.kit.money import Money
from theatre.kit.outbox import emit
from theatre.kit.telemetry import resumed
from theatre.payment import failures
from theatre.payment.models import ATTEMPT_TRANSITIONS, Attempt, EventStatus, OutboxMessage
from theatre.payment.providers import ProviderRefused, Reading

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of something a provider said. `needs_person`: no rule of ours settles it."""

    status: EventStatus
    reason: str | None = None
    attempt: Attempt | None = None
    needs_person: bool = False


async def apply(
    session: Session, *, reading: Reading, provider: str, link_ends_at: datetime, now: datetime
) -> Verdict:
    """Bring the attempt that a reading is about to what it says. Said again, it changes nothing.

    Locks the attempt. A success is told with what was really taken, also where that is not what was asked for.
    """
    attempt = await _find_locked(session, reading, provider)
    if attempt is None:
        return Verdict(EventStatus.WAITING, "we know no such attempt")
    if fault := _fault(attempt, reading):
        log.error(
            "reading not believed", attempt_id=str(attempt.id), reference=reading.reference, reason=fault
        )
        return Verdict(EventStatus.REJECTED, fault, attempt, needs_person=True)
    if reading.status == attempt.status:
        return Verdict(EventStatus.APPLIED, None, attempt)
    if reading.status not in ATTEMPT_TRANSITIONS[attempt.status]:
        return Verdict(EventStatus.REJECTED, f"{attempt.status} never becomes {reading.status}", attempt)
    _advance(session, attempt, reading, now=now)
    if reading.status == AttemptStatus.PENDING:
        attempt.expires_at = reading.expires_at or link_ends_at
    return Verdict(EventStatus.APPLIED, _difference(attempt), attempt)


async def refuse(
    session: Session, *, asked: Attempt, refusal: ProviderRefused, turn_to: str | None, now: datetime
) -> Attempt:
    """Turn an attempt that its provider would not begin to the next one, or fail it if there is none.

    Locks the attempt. One that has begun all the same, or that a twin has turned already, stays as it is.
    """
    attempt = await session.get_one(Attempt, asked.id, with_for_update=True, populate_existing=True)
    if attempt.status != AttemptStatus.CREATED or attempt.provider != asked.provider:
        return attempt
    # the provider's own words are for us: they may say anything, in any language
    log.warning(
        "provider refused",
        attempt_id=str(attempt.id),
        provider=attempt.provider,
        code=refusal.code,
        words=refusal.words,
        turn_to=turn_to,
    )
    if turn_to is None:
        is_ours = attempt.withdrawn_at is not None
        _fail(session, attempt, failures.withdrawn() if is_ours else failures.refused(), now=now)
    else:
        attempt.provider = turn_to
    return attempt


async def _find_locked(session: Session, reading: Reading, provider: str) -> Attempt | None:
    named = or_(Attempt.id == reading.attempt_id, Attempt.provider_reference == reading.reference)
    found = select(Attempt).where(Attempt.provider == provider, named).with_for_update()
    attempts = {attempt.id: attempt for attempt in await session.scalars(found)}
    if reading.attempt_id in attempts:
        return attempts[reading.attempt_id]
    return next(iter(attempts.values()), None)


def _fault(attempt: Attempt, reading: Reading) -> str | None:
    if reading.doubt:
        return reading.doubt
    is_other = attempt.provider_reference not in {None, reading.reference}
    # an attempt offered twice may be paid by either link, but only once
    if is_other and (reading.status != AttemptStatus.SUCCEEDED or attempt.status == AttemptStatus.SUCCEEDED):
        return "the attempt belongs to another object of the provider"
    return None


def _advance(session: Session, attempt: Attempt, reading: Reading, *, now: datetime) -> None:
    attempt.provider_reference = reading.reference
    if reading.status == AttemptStatus.SUCCEEDED:
        _succeed(session, attempt, reading, now=now)
    elif reading.status == AttemptStatus.FAILED:
        code = reading.failure_code or failures.DECLINED
        _fail(session, attempt, Failure(code=code, message=failures.message_of(code)), now=now)
    else:
        attempt.status = reading.status
        attempt.confirmation_url = reading.confirmation_url


def _succeed(session: Session, attempt: Attempt, reading: Reading, *, now: datetime) -> None:
    attempt.status = AttemptStatus.SUCCEEDED
    attempt.next_check_at = attempt.failure_code = attempt.failure_message = None
    attempt.captured_minor, attempt.captured_currency = reading.amount.amount_minor, reading.amount.currency
    attempt.captured_at = reading.captured_at or now
    if reading.fee is not None:
        attempt.fee_minor, attempt.fee_currency = reading.fee.amount_minor, reading.fee.currency
    # also a payer who ticks a box on the provider's page has not told us that we may
    method = reading.method if attempt.save_method else None
    if method is not None:
        attempt.method = method.model_dump()
    fact = AttemptSucceeded(
        attempt_id=attempt.id,
        payment_id=attempt.payment_id,
        captured=Amount.of(reading.amount),
        provider=attempt.provider,
        provider_reference=reading.reference,
        captured_at=attempt.captured_at,
        fee=Amount.of(reading.fee) if reading.fee else None,
        method=method,
    )
    _tell(session, attempt, fact, now=now)


def _fail(session: Session, attempt: Attempt, failure: Failure, *, now: datetime) -> None:
    attempt.status = AttemptStatus.FAILED
    attempt.next_check_at = None
    attempt.failure_code, attempt.failure_message = failure.code, failure.message
    fact = AttemptFailed(
        attempt_id=attempt.id,
        payment_id=attempt.payment_id,
        failure=failure,
        is_expired=failure.code == failures.EXPIRED,
    )
    _tell(session, attempt, fact, now=now)


def _tell(
    session: Session, attempt: Attempt, fact: AttemptSucceeded | AttemptFailed, *, now: datetime
) -> None:
    is_expired = isinstance(fact, AttemptFailed) and fact.is_expired
    on_commit(session, ATTEMPTS.labels(attempt.provider, "expired" if is_expired else attempt.status))
    with resumed(f"attempt {attempt.status}", attempt.trace):
        emit(session, OutboxMessage, fact, aggregate_id=attempt.payment_id, now=now)


def _difference(attempt: Attempt) -> str | None:
    if attempt.captured_minor is None or attempt.captured_currency is None:
        return None
    captured = Money(attempt.captured_minor, attempt.captured_currency)
    asked = Money(attempt.amount_minor, attempt.currency)
    return None if captured == asked else f"{captured} was taken, {asked} was asked for"
