"""Renewals: when a plan is to be charged, reminded of and ended, and which payment continues which period."""

import sqlalchemy as sa
from alembic import op

revision = "billing_0008"
down_revision = "billing_0007"

MOMENT = sa.TIMESTAMP(timezone=True)
OPEN = sa.text("status IN ('trialing', 'active', 'past_due', 'paused')")


def upgrade() -> None:
    op.add_column(
        "subscription",
        sa.Column("is_renewing", sa.Boolean, server_default=sa.text("false"), nullable=False),
        schema="billing",
    )
    for column in ("renewal_due_at", "remind_at", "grace_until"):
        op.add_column("subscription", sa.Column(column, MOMENT), schema="billing")
    for column in ("renewal_due_at", "remind_at"):
        op.create_index(
            f"ix_subscription_{column}",
            "subscription",
            [column],
            schema="billing",
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_index(
        "ix_subscription_end",
        "subscription",
        [sa.text("coalesce(grace_until, paid_until)")],
        schema="billing",
        postgresql_where=OPEN,
    )
    op.drop_index("ix_subscription_paid_until", "subscription", schema="billing")
    op.add_column("entitlement", sa.Column("grace_until", MOMENT), schema="billing")
    renew_by_payments()


def renew_by_payments() -> None:
    op.add_column("payment", sa.Column("subscription_id", sa.Uuid), schema="billing")
    op.add_column("payment", sa.Column("renews_from", MOMENT), schema="billing")
    op.create_foreign_key(
        "fk_payment_subscription_id",
        "payment",
        "subscription",
        ["subscription_id"],
        ["id"],
        source_schema="billing",
        referent_schema="billing",
    )
    op.create_check_constraint(
        "ck_payment_renewal_is_whole",
        "payment",
        "(subscription_id IS NULL) = (renews_from IS NULL)",
        schema="billing",
    )
    op.create_index(
        "uq_payment_renewal",
        "payment",
        ["subscription_id", "renews_from"],
        unique=True,
        schema="billing",
        postgresql_where=sa.text("subscription_id IS NOT NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("what was charged is never forgotten by a script")
