"""Fiscal receipts on their way to a register. Nothing of them is kept here: billing has their states and asks again."""

from theatre.contracts.payment import AttemptStatus, ReceiptStart, ReceiptState, ReceiptStatus, RefundStatus
from theatre.kit.db import Sessions, transaction
from theatre.kit.logging import get_logger
from theatre.payment import failures
from theatre.payment.errors import (
    AttemptNotFound,
    ReceiptsUnsupported,
    ReceiptUntimely,
    RefundNotFound,
)
from theatre.payment.fiscal import FiscalRegister, ReceiptOrder, ReceiptReading, Subject
from theatre.payment.models import Attempt, Refund
from theatre.payment.outside import Outside
from theatre.payment.providers import ProviderRefused

log = get_logger(__name__)


async def register(sessions: Sessions, asked: ReceiptStart, *, outside: Outside) -> ReceiptState:
    """Have a receipt registered, or tell how the one with this id stands; no transaction is open meanwhile.

    Raises:
        AttemptNotFound, RefundNotFound
        ReceiptUntimely: no money is known to have moved.
        ReceiptsUnsupported: nobody can register it here.
        OutcomeUnknown: ask again with the same words.
    """
    attempt, refund = await _subject(sessions, asked)
    fiscal_register = outside.registers.get(attempt.provider)
    if fiscal_register is None:
        raise ReceiptsUnsupported
    if attempt.provider_reference is None or (refund and refund.provider_reference is None):
        raise ReceiptUntimely
    subject = Subject(attempt.provider_reference, refund.provider_reference if refund else None)
    try:
        reading = await _ask(fiscal_register, subject, asked)
    except ProviderRefused as refusal:
        log.warning("receipt refused", receipt_id=str(asked.id), code=refusal.code, words=refusal.words)
        return ReceiptState(
            id=asked.id, status=ReceiptStatus.FAILED, reference=None, failure=failures.refused()
        )
    failure = failures.refused() if reading.status is ReceiptStatus.FAILED else None
    return ReceiptState(
        id=asked.id,
        status=reading.status,
        reference=reading.reference,
        document=reading.document,
        failure=failure,
    )


async def _subject(sessions: Sessions, asked: ReceiptStart) -> tuple[Attempt, Refund | None]:
    async with transaction(sessions) as session:
        attempt = await session.get(Attempt, asked.attempt_id)
        refund = await session.get(Refund, asked.refund_id) if asked.refund_id else None
    if attempt is None or attempt.payment_id != asked.payment_id:
        raise AttemptNotFound
    if asked.refund_id and (refund is None or refund.attempt_id != attempt.id):
        raise RefundNotFound
    has_moved = (
        attempt.status == AttemptStatus.SUCCEEDED
        if refund is None
        else refund.status == RefundStatus.SUCCEEDED
    )
    if not has_moved:
        raise ReceiptUntimely
    return attempt, refund


async def _ask(fiscal_register: FiscalRegister, subject: Subject, asked: ReceiptStart) -> ReceiptReading:
    if asked.reference is not None:
        return await fiscal_register.read(asked.reference)
    if not asked.is_first and (found := await fiscal_register.find(subject)) is not None:
        return found
    order = ReceiptOrder(
        id=asked.id,
        subject=subject,
        email=asked.email,
        vat_code=asked.vat_code,
        tax_system_code=asked.tax_system_code,
        lines=asked.lines,
        total=asked.total.to_money(),
    )
    return await fiscal_register.register(order)
