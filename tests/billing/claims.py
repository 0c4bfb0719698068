"""What payers' banks do in tests: a dispute of a payment's money, as payment-service would tell of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from tests.billing.acts import NOW
from theatre.billing import disputes
from theatre.billing.models import Case, Payment
from theatre.contracts.money import Amount
from theatre.contracts.payment_disputes import (
    DisputeFact,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
)
from theatre.kit.db import Session
from theatre.kit.ids import new_id

FEE_MINOR = 1500
Fact = TypeVar("Fact", bound=DisputeFact)


@dataclass
class Claim:
    """One dispute of a payment's money; each thing that is said of it is a later revision."""

    payment: Payment
    attempt_id: UUID
    amount_minor: int
    currency: str = "RUB"
    id: UUID = field(default_factory=new_id)
    revision: int = 0

    @classmethod
    def of(cls, payment: Payment, **changes: Any) -> "Claim":
        """Dispute what paid a payment, all of it unless told otherwise."""
        terms = {"attempt_id": payment.paid_attempt_id, "amount_minor": payment.total_minor, **changes}
        return cls(payment, **terms)

    def inquiry(self) -> DisputeOpened:
        return self._say(DisputeOpened, withdrawn_minor=0, fee_minor=None, is_inquiry=True)

    def announced(self) -> DisputeOpened:
        """Say that it is open, before anything is withdrawn."""
        return self._say(DisputeOpened, withdrawn_minor=0, fee_minor=None)

    def opened(self, *, withdrawn_minor: int | None = None) -> DisputeOpened:
        return self._say(DisputeOpened, withdrawn_minor=withdrawn_minor)

    def lost(self, *, withdrawn_minor: int | None = None) -> DisputeLost:
        return self._say(DisputeLost, withdrawn_minor=withdrawn_minor)

    def won(self, *, fee_minor: int | None = None) -> DisputeWon:
        return self._say(DisputeWon, withdrawn_minor=0, fee_minor=fee_minor)

    def _say(
        self,
        kind: type[Fact],
        *,
        withdrawn_minor: int | None = None,
        fee_minor: int | None = FEE_MINOR,
        **more: Any,
    ) -> Fact:
        self.revision += 1
        withdrawn = self.amount_minor if withdrawn_minor is None else withdrawn_minor
        return kind(
            dispute_id=self.id,
            revision=self.revision,
            attempt_id=self.attempt_id,
            payment_id=self.payment.id,
            provider="yookassa",
            provider_reference=f"du_{self.id.hex}",
            disputed=Amount(amount_minor=self.amount_minor, currency=self.currency),
            withdrawn=Amount(amount_minor=withdrawn, currency=self.currency),
            fee=None if fee_minor is None else Amount(amount_minor=fee_minor, currency="RUB"),
            reason="fraudulent",
            **more,
        )


async def tell(session: Session, *facts: DisputeFact, now: datetime = NOW) -> None:
    """Have billing take note of facts, each of them twice."""
    for fact in facts:
        for _ in range(2):
            await disputes.take_note(session, fact, now=now)
    await session.flush()


async def open_cases(session: Session, payment: Payment) -> list[str]:
    """List the kinds of a payment's open cases."""
    found = select(Case.kind).where(Case.payment_id == payment.id, Case.status == "open")
    return sorted(await session.scalars(found))
