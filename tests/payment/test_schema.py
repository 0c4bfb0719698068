"""Payment's tables as migrations make them."""

from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from theatre.contracts.payment import AttemptStatus, RefundStatus
from theatre.kit.migrations import config_for
from theatre.payment.models import ATTEMPT_TRANSITIONS, REFUND_TRANSITIONS, Base


async def test_the_scripts_make_the_tables_that_the_models_describe(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        await connection.run_sync(
            lambda bare: command.check(config_for(bare, "payment", metadata=Base.metadata))
        )
        await connection.execute(text("SELECT id, raw FROM payment.provider_event"))
    await engine.dispose()


def test_no_state_is_forgotten_and_nothing_undoes_a_success() -> None:
    assert set(ATTEMPT_TRANSITIONS) == set(AttemptStatus)
    assert set(REFUND_TRANSITIONS) == set(RefundStatus)
    assert not ATTEMPT_TRANSITIONS[AttemptStatus.SUCCEEDED]
    assert not REFUND_TRANSITIONS[RefundStatus.SUCCEEDED]
