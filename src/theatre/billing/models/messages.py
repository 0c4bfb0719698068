"""Billing's share of the kit's tables: answered requests, facts to send, facts heard."""

from theatre.billing.models.schema import Base
from theatre.kit.idempotency import IdempotencyColumns
from theatre.kit.inbox import InboxColumns
from theatre.kit.outbox import OutboxColumns


class IdempotencyKey(IdempotencyColumns, Base):
    __tablename__ = "idempotency_key"


class OutboxMessage(OutboxColumns, Base):
    __tablename__ = "outbox_message"


class InboxMessage(InboxColumns, Base):
    __tablename__ = "inbox_message"
