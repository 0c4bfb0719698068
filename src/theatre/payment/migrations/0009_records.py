"""What staff read: a payment's callbacks, refunds and disputes, and attempts by their moments."""

from alembic import op

revision = "payment_0009"
down_revision = "payment_0008"

INDEXES = (
    ("ix_attempt_created_at", "attempt", ["created_at"]),
    ("ix_provider_event_object_id", "provider_event", ["object_id", "provider"]),
    ("ix_refund_payment_id", "refund", ["payment_id"]),
    ("ix_dispute_payment_id", "dispute", ["payment_id"]),
)


def upgrade() -> None:
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns, schema="payment")


def downgrade() -> None:
    for name, table, _ in INDEXES:
        op.drop_index(name, table, schema="payment")
