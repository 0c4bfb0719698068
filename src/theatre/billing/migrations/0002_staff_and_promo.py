"""Promo codes, staff's cases and audit, balances of accounts, schedules of deferred revenue, second persons."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "billing_0002"
down_revision = "billing_0001"

# One statement adds all of a statement's postings, in the order of their accounts, so that two of them never wait for
# each other in a ring. The role itself may not touch the balances, only have them rebuilt.
KEEP_BALANCES = """
CREATE FUNCTION billing.keep_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = billing AS $$
BEGIN
    INSERT INTO billing.account_balance AS held (account, currency, shard, balance_minor)
    SELECT account, currency, pg_backend_pid() % 16, sum(amount_minor) FROM added
    GROUP BY account, currency ORDER BY account, currency
    ON CONFLICT (account, currency, shard) DO UPDATE
    SET balance_minor = held.balance_minor + EXCLUDED.balance_minor;
    RETURN NULL;
END $$"""

REBUILD_BALANCES = """
CREATE FUNCTION billing.rebuild_balances() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = billing AS $$
BEGIN
    LOCK TABLE ledger_posting IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM account_balance;
    INSERT INTO account_balance (account, currency, shard, balance_minor)
    SELECT account, currency, 0, sum(amount_minor) FROM ledger_posting GROUP BY account, currency;
END $$"""


def upgrade() -> None:
    op.create_table(
        "account_balance",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "currency", "shard", name="pk_account_balance"),
        schema="billing",
    )
    op.create_table(
        "audit_record",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("occurred_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_record"),
        sa.UniqueConstraint("hash", name="uq_audit_record_hash"),
        schema="billing",
    )
    op.create_index(
        "ix_audit_record_actor_id",
        "audit_record",
        ["actor_id", sa.literal_column("number DESC")],
        unique=False,
        schema="billing",
    )
    op.create_index(
        "ix_audit_record_subject",
        "audit_record",
        ["subject_kind", "subject_id", sa.literal_column("number DESC")],
        unique=False,
        schema="billing",
    )
    op.create_table(
        "promo_code",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("product_ids", sa.ARRAY(sa.UUID()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("starts_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ends_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("total_cap", sa.Integer(), nullable=True),
        sa.Column("per_user_cap", sa.Integer(), nullable=True),
        sa.Column("used_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind <> 'amount' OR (percent IS NULL AND amount_minor > 0 AND currency ~ '^[A-Z]{3}$')",
            name="ck_promo_code_amount_whole",
        ),
        sa.CheckConstraint(
            "kind <> 'percent' OR (percent BETWEEN 1 AND 100 AND amount_minor IS NULL AND currency IS NULL)",
            name="ck_promo_code_percent_whole",
        ),
        sa.CheckConstraint("kind IN ('percent', 'amount')", name="ck_promo_code_kind_known"),
        sa.CheckConstraint("code = upper(code)", name="ck_promo_code_code_upper"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_promo_code_term_forward"),
        sa.CheckConstraint("total_cap > 0 AND per_user_cap > 0", name="ck_promo_code_caps_positive"),
        sa.CheckConstraint(
            "used_count >= 0 AND used_count <= total_cap", name="ck_promo_code_used_within_cap"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_promo_code"),
        sa.UniqueConstraint("code", name="uq_promo_code_code"),
        schema="billing",
    )
    op.create_table(
        "promo_redemption",
        sa.Column("payment_id", sa.UUID(), nullable=False),
        sa.Column("promo_code_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("taken_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("returned_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["billing.payment.id"], name="fk_promo_redemption_payment_id"
        ),
        sa.ForeignKeyConstraint(
            ["promo_code_id"], ["billing.promo_code.id"], name="fk_promo_redemption_promo_code_id"
        ),
        sa.PrimaryKeyConstraint("payment_id", name="pk_promo_redemption"),
        schema="billing",
    )
    op.create_index(
        "ix_promo_redemption_promo_code_id",
        "promo_redemption",
        ["promo_code_id", "payment_id"],
        unique=False,
        schema="billing",
    )
    op.create_table(
        "promo_user",
        sa.Column("promo_code_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("used_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("used_count >= 0", name="ck_promo_user_used_not_negative"),
        sa.ForeignKeyConstraint(
            ["promo_code_id"], ["billing.promo_code.id"], name="fk_promo_user_promo_code_id"
        ),
        sa.PrimaryKeyConstraint("promo_code_id", "user_id", name="pk_promo_user"),
        schema="billing",
    )
    op.create_table(
        "staff_case",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=True),
        sa.Column("refund_id", sa.UUID(), nullable=True),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("opened_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.UUID(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'resolved') = (resolved_at IS NOT NULL AND resolved_by IS NOT NULL AND note IS NOT NULL)",
            name="ck_staff_case_resolved_is_whole",
        ),
        sa.CheckConstraint(
            "kind IN ('unallocated_money', 'refund_failed', 'refund_unexpected', 'reconciliation', 'receipt_failed')",
            name="ck_staff_case_kind_known",
        ),
        sa.CheckConstraint("status IN ('open', 'resolved')", name="ck_staff_case_status_known"),
        sa.ForeignKeyConstraint(["payment_id"], ["billing.payment.id"], name="fk_staff_case_payment_id"),
        sa.ForeignKeyConstraint(["refund_id"], ["billing.refund.id"], name="fk_staff_case_refund_id"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_case"),
        sa.UniqueConstraint("cause", name="uq_staff_case_cause"),
        schema="billing",
    )
    op.create_index(
        "ix_staff_case_payment_id",
        "staff_case",
        ["payment_id"],
        unique=False,
        schema="billing",
        postgresql_where=sa.text("payment_id IS NOT NULL"),
    )
    op.create_index(
        "ix_staff_case_status",
        "staff_case",
        ["status", sa.literal_column("id DESC")],
        unique=False,
        schema="billing",
    )
    op.create_table(
        "refund_item",
        sa.Column("refund_id", sa.UUID(), nullable=False),
        sa.Column("payment_item_id", sa.UUID(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("deferred_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "deferred_minor BETWEEN 0 AND amount_minor + discount_minor",
            name="ck_refund_item_deferred_within",
        ),
        sa.ForeignKeyConstraint(
            ["payment_item_id"], ["billing.payment_item.id"], name="fk_refund_item_payment_item_id"
        ),
        sa.ForeignKeyConstraint(["refund_id"], ["billing.refund.id"], name="fk_refund_item_refund_id"),
        sa.PrimaryKeyConstraint("refund_id", "payment_item_id", name="pk_refund_item"),
        schema="billing",
    )
    op.create_table(
        "revenue_schedule",
        sa.Column("payment_item_id", sa.UUID(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("recognized_minor", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ends_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("next_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "recognized_minor BETWEEN 0 AND amount_minor", name="ck_revenue_schedule_recognized_within_amount"
        ),
        sa.CheckConstraint("starts_at < ends_at", name="ck_revenue_schedule_forward"),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["billing.payment.id"], name="fk_revenue_schedule_payment_id"
        ),
        sa.ForeignKeyConstraint(
            ["payment_item_id"], ["billing.payment_item.id"], name="fk_revenue_schedule_payment_item_id"
        ),
        sa.PrimaryKeyConstraint("payment_item_id", name="pk_revenue_schedule"),
        schema="billing",
    )
    op.create_index(
        "ix_revenue_schedule_next_at",
        "revenue_schedule",
        ["next_at"],
        unique=False,
        schema="billing",
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "ix_revenue_schedule_payment_id", "revenue_schedule", ["payment_id"], unique=False, schema="billing"
    )
    op.add_column(
        "entitlement", sa.Column("used_at", sa.TIMESTAMP(timezone=True), nullable=True), schema="billing"
    )
    op.add_column(
        "payment_item",
        sa.Column("discount_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        schema="billing",
    )
    op.add_column(
        "refund",
        sa.Column("takes_rights", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="billing",
    )
    op.add_column("refund", sa.Column("decided_by", sa.UUID(), nullable=True), schema="billing")
    op.add_column(
        "refund", sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True), schema="billing"
    )

    op.drop_constraint("ck_refund_source_known", "refund", schema="billing")
    op.create_check_constraint(
        "ck_refund_source_known",
        "refund",
        "source IN ('user', 'staff', 'late', 'provider')",
        schema="billing",
    )
    op.create_check_constraint(
        "ck_refund_decided_by_another",
        "refund",
        "decided_by IS NULL OR decided_by <> requested_by",
        schema="billing",
    )
    op.drop_index("uq_refund_late", "refund", schema="billing")
    op.create_index(
        "uq_refund_late",
        "refund",
        ["attempt_id"],
        unique=True,
        schema="billing",
        postgresql_where=sa.text("source = 'late' AND status <> 'failed'"),
    )
    op.create_check_constraint(
        "ck_payment_item_discount_within_total",
        "payment_item",
        "discount_minor BETWEEN 0 AND total_minor",
        schema="billing",
    )
    keep_audit()
    keep_balances()


def keep_audit() -> None:
    """Let nobody change what staff did."""
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON billing.audit_record FROM billing")
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON billing.audit_record "
        "FOR EACH ROW EXECUTE FUNCTION billing.refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON billing.audit_record "
        "FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change()"
    )


def keep_balances() -> None:
    """Let the database itself keep the balances, beginning with what is posted already."""
    op.execute("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON billing.account_balance FROM billing")
    op.execute(KEEP_BALANCES)
    op.execute(REBUILD_BALANCES)
    op.execute("SELECT billing.rebuild_balances()")
    op.execute(
        "CREATE TRIGGER keep_balances AFTER INSERT ON billing.ledger_posting "
        "REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing.keep_balances()"
    )


def downgrade() -> None:
    raise NotImplementedError("money is never dropped by a script")
