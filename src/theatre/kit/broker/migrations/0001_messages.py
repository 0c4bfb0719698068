"""Bindings and messages of the embedded broker."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE broker.binding (
            exchange text NOT NULL,
            queue text NOT NULL,
            pattern text NOT NULL,
            regex text NOT NULL,
            CONSTRAINT pk_binding PRIMARY KEY (queue, pattern)
        )"""
    )
    op.execute(
        """
        CREATE TABLE broker.message (
            queue text NOT NULL,
            message_id uuid NOT NULL,
            key text NOT NULL,
            body bytea NOT NULL,
            trace text,
            published_at timestamptz NOT NULL DEFAULT now(),
            available_at timestamptz NOT NULL DEFAULT now(),
            deliveries integer NOT NULL DEFAULT 0,
            dead_at timestamptz,
            reason text,
            CONSTRAINT pk_message PRIMARY KEY (queue, message_id)
        )"""
    )
    op.execute("CREATE INDEX ix_message_due ON broker.message (queue, available_at) WHERE dead_at IS NULL")
    op.execute("CREATE INDEX ix_message_dead ON broker.message (queue, dead_at) WHERE dead_at IS NOT NULL")
    # rows live for milliseconds: vacuum by count, not by share of a table that is almost always empty
    op.execute(
        """
        ALTER TABLE broker.message SET (
            autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
            autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
            autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000)"""
    )


def downgrade() -> None:
    op.execute("DROP TABLE broker.message")
    op.execute("DROP TABLE broker.binding")
