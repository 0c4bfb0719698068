"""The wallet system's face."""

import sqlalchemy as sa
from alembic import op

revision = "sandbox_0003"
down_revision = "sandbox_0002"

MOMENT = sa.TIMESTAMP(timezone=True)
TABLES = ("notification", "operation", "pay_form", "transfer", "grant", "application", "wallet")


def upgrade() -> None:
    _make_wallet()
    _make_application()
    _make_grant()
    _make_transfer()
    _make_pay_form()
    _make_operation()
    _make_notification()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(f"yoomoney_{table}", schema="sandbox")


def _make(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(f"yoomoney_{name}", *parts, schema="sandbox")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _minor(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _at(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, MOMENT, nullable=nullable)


def _make_wallet() -> None:
    _make(
        "wallet",
        _text("number"),
        _text("password_digest"),
        _minor("balance_minor"),
        _text("behaviour"),
        _text("notification_url", nullable=True),
        _text("notification_secret"),
        _text("signing"),
        sa.PrimaryKeyConstraint("number", name="pk_yoomoney_wallet"),
        sa.CheckConstraint("balance_minor >= 0", name="ck_yoomoney_wallet_balance_not_negative"),
        sa.CheckConstraint(
            "behaviour IN ('plain', 'slow', 'refused', 'asked')", name="ck_yoomoney_wallet_behaviour_known"
        ),
        sa.CheckConstraint("signing IN ('sign', 'sha1', 'both')", name="ck_yoomoney_wallet_signing_known"),
    )


def _make_application() -> None:
    _make(
        "application",
        _text("client_id"),
        _text("secret_digest"),
        _text("redirect_uri"),
        _text("title"),
        sa.PrimaryKeyConstraint("client_id", name="pk_yoomoney_application"),
    )


def _make_grant() -> None:
    _make(
        "grant",
        sa.Column("id", sa.Uuid, nullable=False),
        _text("client_id"),
        _text("wallet"),
        _text("scope"),
        _text("redirect_uri"),
        _text("code_digest", nullable=True),
        _at("code_ends_at"),
        _text("token_digest", nullable=True),
        _at("created_at", nullable=False),
        _at("revoked_at"),
        sa.PrimaryKeyConstraint("id", name="pk_yoomoney_grant"),
        sa.UniqueConstraint("code_digest", name="uq_yoomoney_grant_code_digest"),
        sa.UniqueConstraint("token_digest", name="uq_yoomoney_grant_token_digest"),
    )


def _make_transfer() -> None:
    _make(
        "transfer",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("grant_id", sa.Uuid, nullable=False),
        _text("payer"),
        _text("receiver"),
        _minor("charged_minor"),
        _minor("credited_minor"),
        _text("label"),
        _text("message"),
        _text("status"),
        _text("error", nullable=True),
        _text("return_url", nullable=True),
        sa.Column("is_approved", sa.Boolean, server_default="false", nullable=False),
        _at("created_at", nullable=False),
        _at("ends_at"),
        sa.PrimaryKeyConstraint("id", name="pk_yoomoney_transfer"),
        sa.CheckConstraint(
            "credited_minor > 0 AND credited_minor <= charged_minor",
            name="ck_yoomoney_transfer_amounts_make_sense",
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'in_progress', 'asked', 'success', 'refused')",
            name="ck_yoomoney_transfer_status_known",
        ),
    )
    _index("transfer_grant", "transfer", "grant_id", "created_at")
    _index("transfer_due", "transfer", "ends_at", where="ends_at IS NOT NULL")


def _make_pay_form() -> None:
    _make(
        "pay_form",
        sa.Column("id", sa.Uuid, nullable=False),
        _text("receiver"),
        _minor("sum_minor"),
        _text("label"),
        _text("success_url"),
        sa.Column("by_card", sa.Boolean, nullable=False),
        _text("scenario", nullable=True),
        sa.Column("is_challenged", sa.Boolean, server_default="false", nullable=False),
        _at("created_at", nullable=False),
        _at("paid_at"),
        sa.PrimaryKeyConstraint("id", name="pk_yoomoney_pay_form"),
        sa.CheckConstraint("sum_minor > 0", name="ck_yoomoney_pay_form_sum_positive"),
    )


def _make_operation() -> None:
    _make(
        "operation",
        _text("id"),
        _text("payer", nullable=True),
        _text("receiver"),
        _minor("charged_minor"),
        _minor("credited_minor"),
        _text("label"),
        _text("message"),
        _text("status"),
        _at("happened_at", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_yoomoney_operation"),
        sa.CheckConstraint(
            "credited_minor > 0 AND credited_minor <= charged_minor",
            name="ck_yoomoney_operation_amounts_make_sense",
        ),
        sa.CheckConstraint("status IN ('success', 'in_progress')", name="ck_yoomoney_operation_status_known"),
    )
    _index("operation_receiver", "operation", "receiver", sa.text("id DESC"))
    _index("operation_payer", "operation", "payer", sa.text("id DESC"))
    _index("operation_label", "operation", "label")


def _make_notification() -> None:
    _make(
        "notification",
        sa.Column("id", sa.Uuid, nullable=False),
        _text("wallet"),
        _text("operation_id"),
        _text("label"),
        _text("body"),
        sa.Column("tries", sa.Integer, nullable=False),
        _at("created_at", nullable=False),
        _at("next_try_at"),
        _at("claimed_until"),
        _at("delivered_at"),
        sa.Column("last_status", sa.Integer),
        _text("last_error", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_yoomoney_notification"),
    )
    _index("notification_due", "notification", "next_try_at", where="next_try_at IS NOT NULL")
    _index("notification_label", "notification", "label")


def _index(name: str, table: str, *columns: str | sa.TextClause, where: str | None = None) -> None:
    op.create_index(
        f"ix_yoomoney_{name}",
        f"yoomoney_{table}",
        list(columns),
        schema="sandbox",
        postgresql_where=sa.text(where) if where else None,
    )
