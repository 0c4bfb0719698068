"""What staff read, by way of billing: the callbacks about a payment, and how attempts came out."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, bindparam, func, select, tuple_, union, union_all
from sqlalchemy.dialects.postgresql import TIMESTAMP

from theatre.contracts import payment_records as contract
from theatre.kit.db import Session
from theatre.payment.models import Attempt, Dispute, ProviderEvent, Refund

MAX_EVENTS = 100
MAX_FOUND = 100


async def find_payments(session: Session, reference: str, providers: Collection[str]) -> Sequence[UUID]:
    """Find the payments whose attempts, refunds or disputes one of these providers calls so."""
    found = (
        select(table.payment_id).where(
            # named one by one, for an index begins with them
            table.provider.in_(providers),
            table.provider_reference == reference,
        )
        for table in (Attempt, Refund, Dispute)
    )
    return sorted((await session.scalars(union(*found).limit(MAX_FOUND))).all())


async def list_events(session: Session, payment_id: UUID) -> list[contract.ProviderEvent]:
    """List the callbacks about a payment's attempts, refunds and disputes, oldest first: at most the newest hundred."""
    known = union_all(
        *(
            select(table.provider, table.provider_reference).where(table.payment_id == payment_id)
            for table in (Attempt, Refund, Dispute)
        )
    ).subquery()
    about = tuple_(ProviderEvent.object_id, ProviderEvent.provider).in_(
        select(known.c.provider_reference, known.c.provider)
    )
    statement = select(ProviderEvent).where(about).order_by(ProviderEvent.id.desc()).limit(MAX_EVENTS)
    rows = (await session.scalars(statement)).all()
    return [contract.ProviderEvent.model_validate(row, from_attributes=True) for row in reversed(rows)]


async def count_outcomes(session: Session, moments: Sequence[datetime]) -> list[contract.OutcomeCount]:
    """Count attempts begun between each two of rising moments, by provider, currency and present state."""
    bounds = bindparam("moments", list(moments), type_=ARRAY(TIMESTAMP(timezone=True)))
    place = (func.width_bucket(Attempt.created_at, bounds, type_=BigInteger) - 1).label("place")
    columns = (place, Attempt.provider, Attempt.currency, Attempt.status)
    statement = (
        select(*columns, func.count().label("count"))
        .where(Attempt.created_at >= moments[0], Attempt.created_at < moments[-1])
        .group_by(*columns)
        .order_by(*columns)
    )
    return [
        contract.OutcomeCount.model_validate(row, from_attributes=True)
        for row in await session.execute(statement)
    ]
