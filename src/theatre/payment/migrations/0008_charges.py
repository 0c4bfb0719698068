"""Attempts that charge a saved method, and may be taken back before they are begun."""

import sqlalchemy as sa
from alembic import op

revision = "payment_0008"
down_revision = "payment_0007"


def upgrade() -> None:
    op.add_column("attempt", sa.Column("method_reference", sa.Text), schema="payment")
    op.add_column("attempt", sa.Column("withdrawn_at", sa.TIMESTAMP(timezone=True)), schema="payment")
    op.create_check_constraint(
        "ck_attempt_withdrawn_is_charge",
        "attempt",
        "withdrawn_at IS NULL OR method_reference IS NOT NULL",
        schema="payment",
    )


def downgrade() -> None:
    for column in ("withdrawn_at", "method_reference"):
        op.drop_column("attempt", column, schema="payment")
