"""What waits for a person in a house: a case, and a fact that no queue would take."""

from uuid import UUID, uuid4

from sqlalchemy import select

from theatre.billing import cases
from theatre.billing.cases import Trouble
from theatre.billing.models import Case, CaseKind, OutboxMessage
from theatre.contracts.billing import EntitlementRevoked
from theatre.kit.clock import SystemClock
from theatre.kit.db import open_engine, sessions_of, transaction
from theatre.kit.outbox import emit


async def open_case(postgres_url: str) -> UUID:
    """Open a case of a receipt that the tax register refused."""
    engine = open_engine(postgres_url, role="billing", pool_size=1)
    trouble = Trouble(
        CaseKind.RECEIPT_FAILED, f"test:{uuid4()}", details={"code": "no_inn", "<b>": "<script>"}
    )
    try:
        async with transaction(sessions_of(engine)) as session:
            await cases.open_once(session, trouble, now=SystemClock().now())
            return (await session.scalars(select(Case.id).where(Case.cause == trouble.cause))).one()
    finally:
        await engine.dispose()


async def bury_fact(postgres_url: str) -> UUID:
    """Put a fact aside that nobody listens to, as the outbox does past its tries."""
    engine, now = open_engine(postgres_url, role="billing", pool_size=1), SystemClock().now()
    lost = EntitlementRevoked(entitlement_id=uuid4(), user_id=uuid4(), product_id=uuid4(), payment_id=uuid4())
    try:
        async with transaction(sessions_of(engine)) as session:
            message_id = emit(session, OutboxMessage, lost, aggregate_id=lost.entitlement_id, now=now)
            await session.flush()
            row = await session.get_one(OutboxMessage, message_id)
            row.dead_at, row.last_error, row.tries = now, "no queue takes it", 10
            row.data = {**row.data, "email": "somebody@example.com"}
        return message_id
    finally:
        await engine.dispose()
