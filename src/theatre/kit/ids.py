"""New identifiers: UUID version 7, so that keys grow with time and indexes stay dense."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Make an id that sorts after every id made earlier by this process."""
    return uuid_utils.compat.uuid7()


def made_at(identity: UUID) -> datetime | None:
    """Tell when an id was made; None if it is of a version that does not say."""
    if identity.version != 7:
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=identity.int >> 80)
