"""Shops, payments, refunds, receipts, notifications, and the switches of testers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "sandbox_0001"
down_revision = None

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    _make_shop()
    _make_payment()
    _make_payment_method()
    _make_refund()
    _make_receipt()
    _make_idempotence_key()
    _make_notification()
    _make_webhook()
    _make_fault()
    _make_clock_offset()


def downgrade() -> None:
    for table in (
        "clock_offset",
        "fault",
        "webhook",
        "notification",
        "idempotence_key",
        "receipt",
        "refund",
        "payment_method",
        "payment",
        "shop",
    ):
        op.drop_table(table, schema="sandbox")


def _make_shop() -> None:
    op.create_table(
        "shop",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("gateway_id", sa.Text, nullable=False),
        sa.Column("secret_digest", sa.Text, nullable=False),
        sa.Column("oauth_digest", sa.Text),
        sa.Column("notification_url", sa.Text),
        sa.Column("is_cancel_refused", sa.Boolean, server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shop"),
        schema="sandbox",
    )


def _make_payment() -> None:
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("gateway_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("refunded_minor", sa.BigInteger, nullable=False),
        sa.Column("refunding_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("metadata", JSONB, nullable=False),
        sa.Column("merchant_customer_id", sa.Text),
        sa.Column("captures_at_once", sa.Boolean, nullable=False),
        sa.Column("saves_method", sa.Boolean),
        sa.Column("confirmation", JSONB),
        sa.Column("method", JSONB),
        sa.Column("is_method_saved", sa.Boolean, nullable=False),
        sa.Column("scenario", sa.Text),
        sa.Column("is_challenged", sa.Boolean, nullable=False),
        sa.Column("is_processing", sa.Boolean, nullable=False),
        sa.Column("authorization", JSONB),
        sa.Column("cancellation", JSONB),
        sa.Column("receipt", JSONB),
        sa.Column("idempotence_key", sa.Text, nullable=False),
        sa.Column("capture_key", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("captured_at", MOMENT),
        sa.Column("due_at", MOMENT),
        sa.CheckConstraint(
            "(status = 'canceled') = (cancellation IS NOT NULL)", name="ck_payment_reason_when_canceled"
        ),
        sa.CheckConstraint(
            "(status = 'succeeded') = (captured_at IS NOT NULL)", name="ck_payment_captured_when_succeeded"
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'waiting_for_capture', 'succeeded', 'canceled')",
            name="ck_payment_status_known",
        ),
        sa.CheckConstraint("amount_minor > 0", name="ck_payment_amount_positive"),
        sa.CheckConstraint(
            "refunded_minor + refunding_minor <= amount_minor", name="ck_payment_refunds_within_amount"
        ),
        sa.CheckConstraint(
            "refunded_minor >= 0 AND refunding_minor >= 0", name="ck_payment_refunds_not_negative"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment"),
        schema="sandbox",
    )
    op.create_index(
        "ix_payment_due",
        "payment",
        ["due_at"],
        schema="sandbox",
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_payment_newest",
        "payment",
        ["shop_id", sa.text("created_at DESC"), sa.text("id DESC")],
        schema="sandbox",
    )


def _make_payment_method() -> None:
    op.create_table(
        "payment_method",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("method", JSONB, nullable=False),
        sa.Column("scenario", sa.Text, nullable=False),
        sa.Column("is_revoked", sa.Boolean, server_default="false", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payment_method"),
        schema="sandbox",
    )


def _make_refund() -> None:
    op.create_table(
        "refund",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("metadata", JSONB, nullable=False),
        sa.Column("cancellation", JSONB),
        sa.Column("receipt", JSONB),
        sa.Column("rrn", sa.Text, nullable=False),
        sa.Column("idempotence_key", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.CheckConstraint("(status = 'pending') = (due_at IS NOT NULL)", name="ck_refund_due_when_pending"),
        sa.CheckConstraint(
            "status <> 'canceled' OR cancellation IS NOT NULL", name="ck_refund_reason_when_canceled"
        ),
        sa.CheckConstraint("status IN ('pending', 'succeeded', 'canceled')", name="ck_refund_status_known"),
        sa.CheckConstraint("amount_minor > 0", name="ck_refund_amount_positive"),
        sa.ForeignKeyConstraint(["payment_id"], ["sandbox.payment.id"], name="fk_refund_payment_id"),
        sa.PrimaryKeyConstraint("id", name="pk_refund"),
        schema="sandbox",
    )
    op.create_index(
        "ix_refund_due",
        "refund",
        ["due_at"],
        schema="sandbox",
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_refund_newest",
        "refund",
        ["shop_id", sa.text("created_at DESC"), sa.text("id DESC")],
        schema="sandbox",
    )
    op.create_index("ix_refund_payment_id", "refund", ["payment_id"], schema="sandbox")


def _make_receipt() -> None:
    op.create_table(
        "receipt",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("payment_id", sa.Uuid),
        sa.Column("refund_id", sa.Uuid),
        sa.Column("content", JSONB, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("type IN ('payment', 'refund')", name="ck_receipt_type_known"),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["sandbox.payment.id"],
            name="fk_receipt_payment_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"],
            ["sandbox.refund.id"],
            name="fk_receipt_refund_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
        schema="sandbox",
    )
    op.create_index(
        "ix_receipt_newest",
        "receipt",
        ["shop_id", sa.text("created_at DESC"), sa.text("id DESC")],
        schema="sandbox",
    )
    op.create_index("ix_receipt_payment_id", "receipt", ["payment_id"], schema="sandbox")
    op.create_index("ix_receipt_refund_id", "receipt", ["refund_id"], schema="sandbox")


def _make_idempotence_key() -> None:
    op.create_table(
        "idempotence_key",
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "key", name="pk_idempotence_key"),
        schema="sandbox",
    )


def _make_notification() -> None:
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("course", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("next_try_at", MOMENT),
        sa.Column("claimed_until", MOMENT),
        sa.Column("delivered_at", MOMENT),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_error", sa.Text),
        sa.Column("is_lost", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notification"),
        schema="sandbox",
    )
    op.create_index(
        "ix_notification_due",
        "notification",
        ["next_try_at"],
        schema="sandbox",
        postgresql_where=sa.text("next_try_at IS NOT NULL"),
    )
    op.create_index("ix_notification_payment_id", "notification", ["payment_id"], schema="sandbox")


def _make_webhook() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook"),
        schema="sandbox",
    )


def _make_fault() -> None:
    op.create_table(
        "fault",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("remaining", sa.Integer, nullable=False),
        sa.Column("delay_ms", sa.Integer, nullable=False),
        sa.CheckConstraint("remaining >= 0", name="ck_fault_remaining_not_negative"),
        sa.PrimaryKeyConstraint("id", name="pk_fault"),
        schema="sandbox",
    )


def _make_clock_offset() -> None:
    op.create_table(
        "clock_offset",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("offset_ms", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_clock_offset_one_row"),
        sa.CheckConstraint("offset_ms >= 0", name="ck_clock_offset_only_forward"),
        sa.PrimaryKeyConstraint("id", name="pk_clock_offset"),
        schema="sandbox",
    )
