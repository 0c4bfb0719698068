"""Transfers between wallets."""

import sqlalchemy as sa
from alembic import op

revision = "payment_0004"
down_revision = "payment_0003"

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "wallet_transfer",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("checks", sa.Integer, server_default="0", nullable=False),
        sa.Column("next_check_at", MOMENT),
        sa.Column("request_id", sa.Text),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_wallet_transfer"),
        sa.CheckConstraint("amount_minor > 0", name="ck_wallet_transfer_amount_positive"),
        sa.CheckConstraint(
            "sent_at IS NULL OR request_id IS NOT NULL", name="ck_wallet_transfer_sent_by_its_id"
        ),
        schema="payment",
    )
    op.create_index(
        "ix_wallet_transfer_next_check_at",
        "wallet_transfer",
        ["next_check_at"],
        schema="payment",
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("wallet_transfer", schema="payment")
