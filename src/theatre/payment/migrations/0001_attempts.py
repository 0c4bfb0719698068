"""Attempts, refunds, callbacks and the outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from theatre.kit.outbox import wakeup_statements

revision = "payment_0001"
down_revision = None

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    create_attempt()
    create_refund()
    create_provider_event()
    create_outbox()


def checked() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("checks", sa.Integer, server_default="0", nullable=False),
        sa.Column("next_check_at", MOMENT),
    ]


def create_attempt() -> None:
    op.create_table(
        "attempt",
        *checked(),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("provider_reference", sa.Text),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("return_url", sa.Text, nullable=False),
        sa.Column("save_method", sa.Boolean, nullable=False),
        sa.Column("confirmation_url", sa.Text),
        sa.Column("short_url", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("captured_minor", sa.BigInteger),
        sa.Column("captured_currency", sa.Text),
        sa.Column("captured_at", MOMENT),
        sa.Column("failure_code", sa.Text),
        sa.Column("failure_message", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
        sa.UniqueConstraint("provider", "provider_reference", name="uq_attempt_provider_provider_reference"),
        sa.CheckConstraint(
            "status IN ('created', 'pending', 'succeeded', 'failed')", name="ck_attempt_status_known"
        ),
        sa.CheckConstraint("amount_minor > 0", name="ck_attempt_amount_positive"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ck_attempt_currency_iso"),
        sa.CheckConstraint(
            "status <> 'succeeded' OR (captured_minor IS NOT NULL AND captured_currency IS NOT NULL"
            " AND captured_at IS NOT NULL AND provider_reference IS NOT NULL)",
            name="ck_attempt_succeeded_is_whole",
        ),
        sa.CheckConstraint(
            "(status = 'failed') = (failure_code IS NOT NULL)", name="ck_attempt_failed_has_reason"
        ),
        schema="payment",
    )
    op.create_index("ix_attempt_payment_id", "attempt", ["payment_id"], schema="payment")
    index_due("attempt")


def create_refund() -> None:
    op.create_table(
        "refund",
        *checked(),
        sa.Column("attempt_id", sa.Uuid, nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("provider_reference", sa.Text),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.Column("failure_code", sa.Text),
        sa.Column("failure_message", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_refund"),
        sa.UniqueConstraint("provider", "provider_reference", name="uq_refund_provider_provider_reference"),
        sa.ForeignKeyConstraint(["attempt_id"], ["payment.attempt.id"], name="fk_refund_attempt_id"),
        sa.CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name="ck_refund_status_known"),
        sa.CheckConstraint("amount_minor > 0", name="ck_refund_amount_positive"),
        sa.CheckConstraint(
            "(status = 'failed') = (failure_code IS NOT NULL)", name="ck_refund_failed_has_reason"
        ),
        schema="payment",
    )
    op.create_index("ix_refund_attempt_id", "refund", ["attempt_id"], schema="payment")
    index_due("refund")


def create_provider_event() -> None:
    op.create_table(
        "provider_event",
        *checked(),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("judged_at", MOMENT),
        sa.Column("case_opened_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_provider_event"),
        sa.UniqueConstraint(
            "provider", "event", "object_id", name="uq_provider_event_provider_event_object_id"
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'applied', 'rejected')", name="ck_provider_event_status_known"
        ),
        schema="payment",
    )
    op.create_index(
        "ix_provider_event_case",
        "provider_event",
        ["case_opened_at"],
        schema="payment",
        postgresql_where=sa.text("case_opened_at IS NOT NULL"),
    )
    index_due("provider_event")


def create_outbox() -> None:
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("aggregate_id", sa.Uuid, nullable=False),
        sa.Column("trace", sa.Text),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("tries", sa.Integer, server_default="0", nullable=False),
        sa.Column("next_try_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("dead_at", MOMENT),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_message"),
        schema="payment",
    )
    op.create_index(
        "ix_outbox_message_unsent",
        "outbox_message",
        ["next_try_at"],
        schema="payment",
        postgresql_where=sa.text("sent_at IS NULL AND dead_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_message_sent_at",
        "outbox_message",
        ["sent_at"],
        schema="payment",
        postgresql_where=sa.text("sent_at IS NOT NULL"),
    )
    for statement in wakeup_statements("payment"):
        op.execute(statement)


def index_due(table: str) -> None:
    op.create_index(
        f"ix_{table}_next_check_at",
        table,
        ["next_check_at"],
        schema="payment",
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
    )


def downgrade() -> None:
    for table in ("outbox_message", "provider_event", "refund", "attempt"):
        op.drop_table(table, schema="payment")
    op.execute("DROP FUNCTION payment.wake_relay()")
