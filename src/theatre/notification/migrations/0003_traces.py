"""The trace in which somebody was to be told something."""

import sqlalchemy as sa
from alembic import op

revision = "notification_0003"
down_revision = "notification_0002"


def upgrade() -> None:
    op.add_column("notification", sa.Column("trace", sa.Text), schema="notification")


def downgrade() -> None:
    op.drop_column("notification", "trace", schema="notification")
