"""What tests ask of the books: which statements do not hold, which steps do not agree."""

from sqlalchemy import text

from theatre.billing import explanations, verification
from theatre.billing.models import Payment
from theatre.kit.db import Session


async def faults(session: Session) -> list[str]:
    """List the statements about the ledger that do not hold, with examples."""
    await session.flush()
    found = []
    for statement, query in verification.CHECKS.items():
        rows = (await session.scalars(text(query))).all()
        found += [f"{statement}: {row}" for row in rows]
    return found


async def disagreements(session: Session, payment: Payment) -> list[explanations.Step]:
    """List the steps of a payment's explanation that do not agree with what is stored."""
    await session.flush()
    return [step for step in await explanations.explain(session, payment.id) if not step.agrees]
