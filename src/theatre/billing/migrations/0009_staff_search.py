"""What staff look for: payments by amount, code and receipt, plans by product and end, acts by kind and time; and the
days of the ledger that reports are made of.
"""

import sqlalchemy as sa
from alembic import op

revision = "billing_0009"
down_revision = "billing_0008"


def upgrade() -> None:
    op.drop_index("ix_payment_created_at", "payment", schema="billing")
    make_index("ix_payment_created_at", "payment", "created_at", "id", "total_minor", "currency")
    make_index("ix_payment_amount", "payment", "currency", "total_minor")
    make_index("ix_payment_refunded", "payment", "created_at", "id", where="refunded_minor > 0")
    make_index(
        "ix_payment_promo_code", "payment", "promo_code", "created_at", "id", where="promo_code IS NOT NULL"
    )
    make_index("ix_payment_receipt_number", "payment", '"right"(id::text, 12)', where="paid_at IS NOT NULL")
    make_index("ix_subscription_paid_until", "subscription", "paid_until", "id", where="status = 'active'")
    make_index("ix_subscription_product_id", "subscription", "product_id", "id")
    make_index("ix_receipt_status", "receipt", "status", "id", where="status <> 'succeeded'")
    make_index("ix_audit_record_action", "audit_record", "action", "number DESC")
    make_index("ix_audit_record_occurred_at", "audit_record", "occurred_at", "number")
    make_index("ix_inbox_message_dead_at", "inbox_message", "dead_at", where="dead_at IS NOT NULL")
    make_index("ix_promo_code_is_active", "promo_code", "is_active", "id")
    make_index("ix_subscription_period_ends_at", "subscription_period", "ends_at")
    create_days()


def create_days() -> None:
    op.create_table(
        "ledger_day",
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("day_on", sa.Date, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("sum_minor", sa.BigInteger, nullable=False),
        sa.Column("line_count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("zone", "day_on", "kind", "account", "currency", name="pk_ledger_day"),
        schema="billing",
    )
    op.create_table(
        "ledger_closing",
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("closed_until", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("zone", name="pk_ledger_closing"),
        schema="billing",
    )


def make_index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    op.create_index(
        name,
        table,
        [sa.text(column) for column in columns],
        schema="billing",
        postgresql_where=None if where is None else sa.text(where),
    )


def downgrade() -> None:
    raise NotImplementedError("money is never dropped by a script")
