"""Billing's share of the kit's tables: answered requests, facts to send, facts heard."""

from sqlalchemy import Index

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


Index("ix_inbox_message_dead_at", InboxMessage.dead_at, postgresql_where=InboxMessage.dead_at.is_not(None))
