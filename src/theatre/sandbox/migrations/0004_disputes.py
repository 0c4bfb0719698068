"""Disputes at Stripe's face."""

import sqlalchemy as sa
from alembic import op

revision = "sandbox_0004"
down_revision = "sandbox_0003"


def upgrade() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("is_inquiry", sa.Boolean, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("withdrawn_minor", sa.BigInteger),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dispute"),
        sa.ForeignKeyConstraint(["payment_id"], ["sandbox.payment.id"], name="fk_dispute_payment_id"),
        sa.CheckConstraint("amount_minor > 0 AND withdrawn_minor >= 0", name="ck_dispute_amounts_positive"),
        sa.CheckConstraint("status IN ('open', 'won', 'lost')", name="ck_dispute_status_known"),
        schema="sandbox",
    )
    op.create_index("ix_dispute_payment_id", "dispute", ["payment_id"], schema="sandbox")


def downgrade() -> None:
    op.drop_table("dispute", schema="sandbox")
