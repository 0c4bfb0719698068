"""The trace in which an attempt or a refund was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "payment_0005"
down_revision = "payment_0004"


def upgrade() -> None:
    for table in ("attempt", "refund"):
        op.add_column(table, sa.Column("trace", sa.Text), schema="payment")


def downgrade() -> None:
    for table in ("attempt", "refund"):
        op.drop_column(table, "trace", schema="payment")
