"""New identifiers: UUID version 7, so that keys grow with time and indexes stay dense."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Make an id that sorts after every id made earlier by this process."""
    return uuid_utils.compat.uuid7()
