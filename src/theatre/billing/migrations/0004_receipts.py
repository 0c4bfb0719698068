"""Fiscal receipts (54-FZ), one for each payment's money and one for each refund's."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "billing_0004"
down_revision = "billing_0003"


def upgrade() -> None:
    op.create_table(
        "receipt",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=False),
        sa.Column("refund_id", sa.UUID(), nullable=True),
        sa.Column("attempt_id", sa.UUID(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("submission_id", sa.UUID(), nullable=False),
        sa.Column("sent_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("vat_code", sa.Integer(), nullable=True),
        sa.Column("tax_system_code", sa.Integer(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_try_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure_message", sa.Text(), nullable=True),
        sa.Column("fiscal_document_number", sa.Text(), nullable=True),
        sa.Column("fiscal_storage_number", sa.Text(), nullable=True),
        sa.Column("fiscal_attribute", sa.Text(), nullable=True),
        sa.Column("registered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('income', 'return')", name="ck_receipt_kind_known"),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'succeeded', 'failed')", name="ck_receipt_status_known"
        ),
        sa.CheckConstraint("amount_minor > 0", name="ck_receipt_amount_positive"),
        sa.CheckConstraint(
            "(kind = 'return') = (refund_id IS NOT NULL)", name="ck_receipt_return_has_refund"
        ),
        sa.CheckConstraint(
            "(status = 'succeeded') = (registered_at IS NOT NULL)",
            name="ck_receipt_succeeded_has_moment",
        ),
        sa.CheckConstraint(
            "(status = 'failed') = (failure_code IS NOT NULL)", name="ck_receipt_failed_has_reason"
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'sent') OR email IS NULL", name="ck_receipt_email_kept_while_sending"
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["billing.payment.id"], name="fk_receipt_payment_id"),
        sa.ForeignKeyConstraint(["refund_id"], ["billing.refund.id"], name="fk_receipt_refund_id"),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
        sa.UniqueConstraint("submission_id", name="uq_receipt_submission_id"),
        schema="billing",
    )
    op.create_index(
        "uq_receipt_income",
        "receipt",
        ["payment_id"],
        unique=True,
        schema="billing",
        postgresql_where=sa.text("kind = 'income'"),
    )
    op.create_index(
        "uq_receipt_return",
        "receipt",
        ["refund_id"],
        unique=True,
        schema="billing",
        postgresql_where=sa.text("refund_id IS NOT NULL"),
    )
    op.create_index("ix_receipt_payment_id", "receipt", ["payment_id", "id"], schema="billing")
    op.create_index("ix_receipt_created_at", "receipt", ["created_at"], schema="billing")
    op.create_index(
        "ix_receipt_next_try_at",
        "receipt",
        ["next_try_at"],
        schema="billing",
        postgresql_where=sa.text("next_try_at IS NOT NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("money is never dropped by a script")
