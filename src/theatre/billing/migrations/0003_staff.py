"""What staff look for: indexes of their lists, the provider's reference of captured money, who decided on a price."""

import sqlalchemy as sa
from alembic import op

revision = "billing_0003"
down_revision = "billing_0002"

KEEP_PRICE = """
CREATE OR REPLACE FUNCTION billing.keep_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'is_active' - 'decided_by' IS DISTINCT FROM to_jsonb(OLD) - 'is_active' - 'decided_by' THEN
        RAISE EXCEPTION 'a price is immutable; make a new one' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$"""


def upgrade() -> None:
    op.add_column("ledger_entry", sa.Column("provider_reference", sa.Text(), nullable=True), schema="billing")
    op.add_column("price", sa.Column("decided_by", sa.UUID(), nullable=True), schema="billing")
    op.add_column("product", sa.Column("decided_by", sa.UUID(), nullable=True), schema="billing")
    op.execute(KEEP_PRICE)

    op.drop_index("ix_payment_status", "payment", schema="billing")
    make_index("ix_payment_status", "payment", "status", "created_at", "id")
    make_index("ix_payment_created_at", "payment", "created_at", "id")
    make_index("ix_payment_provider", "payment", "provider", "created_at", "id", where="provider IS NOT NULL")
    make_index(
        "ix_payment_transition_attempt_id", "payment_transition", "attempt_id", where="attempt_id IS NOT NULL"
    )
    make_index("ix_ledger_entry_occurred_at", "ledger_entry", "occurred_at", "id")
    make_index(
        "ix_ledger_entry_provider_reference",
        "ledger_entry",
        "provider_reference",
        where="provider_reference IS NOT NULL",
    )
    make_index("ix_refund_status", "refund", "status", "id")
    make_index("ix_subscription_status", "subscription", "status", "id")
    make_index("ix_staff_case_kind", "staff_case", "kind", "id")
    make_index("ix_outbox_message_dead_at", "outbox_message", "dead_at", where="dead_at IS NOT NULL")


def make_index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    """Make an index that a list follows backwards."""
    op.create_index(
        name,
        table,
        [*columns],
        unique=False,
        schema="billing",
        postgresql_where=None if where is None else sa.text(where),
    )


def downgrade() -> None:
    raise NotImplementedError("money is never dropped by a script")
