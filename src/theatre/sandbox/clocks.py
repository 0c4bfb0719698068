"""The durable part of the sandbox's clock."""

from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Sessions, transaction
from theatre.sandbox.models import ClockOffset
from theatre.sandbox.state import State, announce


async def advance(sessions: Sessions, state: State, step: timedelta) -> None:
    """Move the clock forward for good, in all processes."""
    statement = insert(ClockOffset).values(id=1, offset_ms=step // timedelta(milliseconds=1))
    grown = ClockOffset.offset_ms + statement.excluded.offset_ms
    async with transaction(sessions) as session:
        await session.execute(
            statement.on_conflict_do_update(index_elements=[ClockOffset.id], set_={"offset_ms": grown})
        )
        await announce(session)
    state.expire()
    await state.refresh()
