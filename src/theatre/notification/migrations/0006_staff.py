"""Deliveries that staff find by kind and user; what staff did; answers to requests that came under a key."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "notification_0006"
down_revision = "notification_0005"

SCHEMA = "notification"
MOMENT = sa.TIMESTAMP(timezone=True)

REFUSE_CHANGE = """
CREATE FUNCTION notification.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$"""


def upgrade() -> None:
    name_deliveries()
    create_audit()
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("locked_at", MOMENT, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.LargeBinary),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_idempotency_key"),
        schema=SCHEMA,
    )
    op.create_index("ix_idempotency_key_locked_at", "idempotency_key", ["locked_at"], schema=SCHEMA)


def name_deliveries() -> None:
    op.add_column("delivery", sa.Column("kind", sa.Text), schema=SCHEMA)
    op.add_column("delivery", sa.Column("user_id", sa.Uuid), schema=SCHEMA)
    op.execute(
        "UPDATE notification.delivery d SET kind = n.kind, user_id = n.user_id"
        " FROM notification.notification n WHERE n.id = d.notification_id"
    )
    op.alter_column("delivery", "kind", nullable=False, schema=SCHEMA)
    op.alter_column("delivery", "user_id", nullable=False, schema=SCHEMA)
    op.create_index("ix_delivery_user_id", "delivery", ["user_id", "id"], schema=SCHEMA)
    op.create_index("ix_delivery_kind", "delivery", ["kind", "id"], schema=SCHEMA)
    op.create_index(
        "ix_delivery_unsent",
        "delivery",
        ["status", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("status <> 'sent'"),
    )


def create_audit() -> None:
    op.create_table(
        "audit_record",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("actor_id", sa.Uuid, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("before", JSONB),
        sa.Column("after", JSONB),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_record"),
        sa.UniqueConstraint("hash", name="uq_audit_record_hash"),
        schema=SCHEMA,
    )
    latest = sa.text("number DESC")
    op.create_index("ix_audit_record_actor_id", "audit_record", ["actor_id", latest], schema=SCHEMA)
    op.create_index(
        "ix_audit_record_subject", "audit_record", ["subject_kind", "subject_id", latest], schema=SCHEMA
    )
    op.execute(REFUSE_CHANGE)
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON notification.audit_record FROM notification")
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON notification.audit_record "
        "FOR EACH ROW EXECUTE FUNCTION notification.refuse_change()"
    )
