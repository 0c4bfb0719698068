"""How a payment's money is explained to staff."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import SkipValidation

from theatre.billing.explanations import Step
from theatre.billing.schemas.money import money
from theatre.kit.fields import Answer, MoneyField


class StepAnswer(Answer):
    """One amount of a payment, which may be below zero: how it is derived, and whether what is stored agrees."""

    name: str
    derivation: str
    derived: SkipValidation[MoneyField]
    stored: SkipValidation[MoneyField]
    agrees: bool


class ExplanationAnswer(Answer):
    """A payment's money from price to postings; `agrees` when every step does."""

    payment_id: UUID
    agrees: bool
    steps: list[StepAnswer]

    @classmethod
    def of(cls, payment_id: UUID, steps: Sequence[Step]) -> "ExplanationAnswer":
        written = [
            StepAnswer(
                name=step.name,
                derivation=step.derivation,
                derived=money(step.derived.amount_minor, step.derived.currency),
                stored=money(step.stored.amount_minor, step.stored.currency),
                agrees=step.agrees,
            )
            for step in steps
        ]
        return cls(payment_id=payment_id, agrees=all(step.agrees for step in steps), steps=written)
