"""Disputes, their cases, and rights that a dispute takes for as long as it is not won."""

import sqlalchemy as sa
from alembic import op

revision = "billing_0006"
down_revision = "billing_0005"

MOMENT = sa.TIMESTAMP(timezone=True)
CASE_KINDS = (
    "'unallocated_money', 'refund_failed', 'refund_unexpected', 'reconciliation', 'receipt_failed', "
    "'dispute', 'dispute_unexpected', 'refund_disputed'"
)


def upgrade() -> None:
    create_dispute()
    for table in ("entitlement", "subscription_period"):
        disputed = sa.Column("is_disputed", sa.Boolean, server_default=sa.text("false"), nullable=False)
        op.add_column(table, disputed, schema="billing")
        op.create_check_constraint(
            f"ck_{table}_disputed_is_revoked",
            table,
            "revoked_at IS NOT NULL OR NOT is_disputed",
            schema="billing",
        )
    op.drop_constraint("ck_staff_case_kind_known", "staff_case", schema="billing")
    op.create_check_constraint(
        "ck_staff_case_kind_known", "staff_case", f"kind IN ({CASE_KINDS})", schema="billing"
    )


def create_dispute() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("attempt_id", sa.Uuid, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("provider_reference", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("withdrawn_minor", sa.BigInteger, nullable=False),
        sa.Column("fee_minor", sa.BigInteger),
        sa.Column("fee_currency", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("answer_due_at", MOMENT),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_dispute"),
        sa.ForeignKeyConstraint(["payment_id"], ["billing.payment.id"], name="fk_dispute_payment_id"),
        sa.UniqueConstraint("provider_reference", "provider", name="uq_dispute_provider_reference_provider"),
        sa.CheckConstraint("status IN ('inquiry', 'open', 'won', 'lost')", name="ck_dispute_status_known"),
        sa.CheckConstraint(
            "amount_minor >= 0 AND withdrawn_minor >= 0", name="ck_dispute_amounts_not_negative"
        ),
        sa.CheckConstraint("(fee_minor IS NULL) = (fee_currency IS NULL)", name="ck_dispute_fee_is_whole"),
        sa.CheckConstraint(
            "(status IN ('won', 'lost')) = (closed_at IS NOT NULL)", name="ck_dispute_closed_has_moment"
        ),
        schema="billing",
    )
    op.create_index("ix_dispute_payment_id", "dispute", ["payment_id", "id"], schema="billing")
    op.create_index("ix_dispute_attempt_id", "dispute", ["attempt_id"], schema="billing")
    op.create_index("ix_dispute_status", "dispute", ["status", "id"], schema="billing")


def downgrade() -> None:
    raise NotImplementedError("money is never dropped by a script")
