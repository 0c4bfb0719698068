"""One open attempt for a payment; whether we chose its provider; what the provider keeps."""

import sqlalchemy as sa
from alembic import op

revision = "payment_0003"
down_revision = "payment_0002"


def upgrade() -> None:
    op.add_column(
        "attempt",
        sa.Column("is_routed", sa.Boolean, server_default=sa.text("false"), nullable=False),
        schema="payment",
    )
    op.add_column("attempt", sa.Column("fee_minor", sa.BigInteger), schema="payment")
    op.add_column("attempt", sa.Column("fee_currency", sa.Text), schema="payment")
    op.create_check_constraint(
        "ck_attempt_fee_is_whole",
        "attempt",
        "(fee_minor IS NULL) = (fee_currency IS NULL)",
        schema="payment",
    )
    op.create_index(
        "uq_attempt_open_payment_id",
        "attempt",
        ["payment_id"],
        unique=True,
        schema="payment",
        postgresql_where=sa.text("status IN ('created', 'pending')"),
    )


def downgrade() -> None:
    op.drop_index("uq_attempt_open_payment_id", "attempt", schema="payment")
    for column in ("fee_currency", "fee_minor", "is_routed"):
        op.drop_column("attempt", column, schema="payment")
