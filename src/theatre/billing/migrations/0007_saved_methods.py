"""Ways to pay that users let payment systems keep, and payments that are charged to one."""

import sqlalchemy as sa
from alembic import op

revision = "billing_0007"
down_revision = "billing_0006"

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "payment_method",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("brand", sa.Text),
        sa.Column("last4", sa.Text),
        sa.Column("expiry_month", sa.Integer),
        sa.Column("expiry_year", sa.Integer),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("attempt_id", sa.Uuid, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT),
        sa.Column("unusable_at", MOMENT),
        sa.Column("unusable_code", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_payment_method"),
        sa.UniqueConstraint("provider", "reference", name="uq_payment_method_provider_reference"),
        sa.CheckConstraint("last4 ~ '^[0-9]{4}$'", name="ck_payment_method_last4_is_short"),
        sa.CheckConstraint(
            "removed_at IS NULL OR NOT is_default", name="ck_payment_method_removed_is_no_default"
        ),
        sa.CheckConstraint(
            "(unusable_at IS NULL) = (unusable_code IS NULL)", name="ck_payment_method_unusable_has_reason"
        ),
        schema="billing",
    )
    op.create_index(
        "ix_payment_method_user_id",
        "payment_method",
        ["user_id", sa.text("id DESC")],
        schema="billing",
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index(
        "uq_payment_method_default",
        "payment_method",
        ["user_id"],
        unique=True,
        schema="billing",
        postgresql_where=sa.text("is_default"),
    )
    charge_payments()


def charge_payments() -> None:
    op.add_column("payment", sa.Column("payment_method_id", sa.Uuid), schema="billing")
    op.create_foreign_key(
        "fk_payment_payment_method_id",
        "payment",
        "payment_method",
        ["payment_method_id"],
        ["id"],
        source_schema="billing",
        referent_schema="billing",
    )
    op.create_index(
        "ix_payment_payment_method_id",
        "payment",
        ["payment_method_id"],
        schema="billing",
        postgresql_where=sa.text("status = 'pending' AND payment_method_id IS NOT NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("what users agreed to is never dropped by a script")
