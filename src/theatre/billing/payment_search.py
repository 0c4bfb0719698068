"""What staff type to find a payment: an id or number that they were told, a customer's name, a promo code.

The word is resolved first, into few ids, one customer or one code, so that the list itself follows an index.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Text,
    cast,
    func,
    literal_column,
    select,
    union_all,
)

from theatre.billing.errors import CustomersUnknown
from theatre.billing.models import Dispute, LedgerEntry, Payment, PaymentTransition, PromoCode, Refund
from theatre.contracts.auth import AuthClient
from theatre.contracts.payment import PaymentClient
from theatre.kit.db import Session, Sessions, transaction
from theatre.kit.http import Refused, Unknown
from theatre.kit.logging import get_logger

log = get_logger(__name__)

MAX_FOUND = 1_000
"""References are nearly unique: what many payments share is none."""
NUMBER = re.compile(r"[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}", re.IGNORECASE)
"""How the number of a receipt is read out."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What a word may mean: payments, customers, a promo code; nothing, if all of it is empty."""

    payment_ids: Sequence[UUID] = ()
    user_ids: Sequence[UUID] = ()
    promo_code: str | None = None


async def resolve(sessions: Sessions, word: str, *, auth: AuthClient, payment: PaymentClient) -> Matches:
    """Find what a word means: id of a payment, attempt, refund, dispute or customer; the provider's reference of any
    of these; number of a receipt; promo code; login or e-mail address, which auth knows and billing does not keep.

    Asks auth before its own transaction; and after it, where nothing was found, payment-service, which alone knows
    references of what brought no money.

    Raises:
        CustomersUnknown: the word is an e-mail address and auth does not answer.
    """
    known = _uuid_of(word)
    user_ids = [] if known or NUMBER.fullmatch(word) else await _ask_auth(auth, word)
    async with transaction(sessions) as session:
        found = await session.scalars(referring(word))
        payment_ids = sorted({id for id in found if id is not None})
        promo_code = await _promo_code(session, word)
    if not (payment_ids or user_ids or promo_code or "@" in word):
        payment_ids = await _ask_payment(payment, str(known) if known else word)
    if known and not payment_ids:
        user_ids = [known]
    return Matches(payment_ids, user_ids, promo_code)


def _uuid_of(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None


async def _ask_payment(client: PaymentClient, word: str) -> list[UUID]:
    try:
        return await client.find_payments(word)
    except (Unknown, Refused) as error:
        log.info("references of attempts not searched", error=repr(error))
        return []


async def _ask_auth(auth: AuthClient, word: str) -> list[UUID]:
    try:
        return await auth.find_users(word)
    except (Unknown, Refused) as error:
        if "@" in word:
            raise CustomersUnknown from error
        # it may be something else, which is found without auth
        log.info("customers not searched", error=repr(error))
        return []


def referring(word: str) -> CompoundSelect[UUID | None]:
    """Give the statement of the payments that an id, a reference or a number is about: each branch has an index of its
    own, which one OR over them would not use."""
    known = _uuid_of(word)
    words = {word, str(known)} if known else {word}
    found: list[Select[UUID | None]] = [
        select(LedgerEntry.payment_id).where(LedgerEntry.provider_reference.in_(words)),
        select(Dispute.payment_id).where(Dispute.provider_reference.in_(words)),
    ]
    if NUMBER.fullmatch(word):
        end = word.replace("-", "").lower()
        found.append(select(Payment.id).where(_receipt_number() == end, Payment.paid_at.is_not(None)))
    if known is not None:
        found += [
            select(Payment.id).where(Payment.id == known),
            select(PaymentTransition.payment_id).where(PaymentTransition.attempt_id == known),
            select(Refund.payment_id).where(Refund.id == known),
            select(Dispute.payment_id).where(Dispute.id == known),
        ]
    return union_all(*found).limit(MAX_FOUND)


def _receipt_number() -> ColumnElement[str]:
    """Give the end of a payment's id as an index has it."""
    return func.right(cast(Payment.id, Text), literal_column("12"))


async def _promo_code(session: Session, word: str) -> str | None:
    return await session.scalar(select(PromoCode.code).where(PromoCode.code == word.upper()))
