"""Disputes of attempts' money."""

import sqlalchemy as sa
from alembic import op

revision = "payment_0005"
down_revision = "payment_0004"

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("attempt_id", sa.Uuid, nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("provider_reference", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("moves", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("withdrawn_minor", sa.BigInteger, nullable=False),
        sa.Column("fee_minor", sa.BigInteger),
        sa.Column("fee_currency", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("answer_due_at", MOMENT),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dispute"),
        sa.ForeignKeyConstraint(["attempt_id"], ["payment.attempt.id"], name="fk_dispute_attempt_id"),
        sa.UniqueConstraint("provider", "provider_reference", name="uq_dispute_provider_provider_reference"),
        sa.CheckConstraint("status IN ('inquiry', 'open', 'won', 'lost')", name="ck_dispute_status_known"),
        sa.CheckConstraint(
            "amount_minor >= 0 AND withdrawn_minor >= 0", name="ck_dispute_amounts_not_negative"
        ),
        sa.CheckConstraint("(fee_minor IS NULL) = (fee_currency IS NULL)", name="ck_dispute_fee_is_whole"),
        schema="payment",
    )
    op.create_index("ix_dispute_attempt_id", "dispute", ["attempt_id"], schema="payment")


def downgrade() -> None:
    op.drop_table("dispute", schema="payment")
