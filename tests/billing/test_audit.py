"""The audit of what staff did: a chain that nobody can change unseen."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.billing.acts import (
    NOW,
)
from theatre.billing import (
    audit,
)
from theatre.kit.db import Session


async def test_the_audit_is_a_chain_that_shows_any_change(owner: Session) -> None:
    """Capability 21: each record carries the hash of the one before."""
    for reason in ("first", "second", "third"):
        act = audit.Act(
            uuid4(), "refund.create", "payment", str(uuid4()), "request-1", reason, after={"x": 1}
        )
        await audit.record(owner, act, now=NOW)
    numbers = (
        await owner.scalars(text("SELECT number FROM billing.audit_record ORDER BY number DESC LIMIT 3"))
    ).all()
    assert (await audit.verify(owner)).broken_number is None
    await owner.execute(text("SET LOCAL session_replication_role = replica"))
    await owner.execute(
        text("UPDATE billing.audit_record SET reason = 'other' WHERE number = :n"), {"n": numbers[1]}
    )
    owner.expire_all()
    assert (await audit.verify(owner)).broken_number == numbers[1]


async def test_the_audit_cannot_be_changed_by_the_service(session: Session) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await session.execute(text("DELETE FROM billing.audit_record"))
