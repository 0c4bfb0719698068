"""Identifiers in the shape of YooKassa's: payments and refunds 36 characters, receipts and webhooks 39."""

import secrets
from datetime import datetime
from uuid import UUID

from theatre.sandbox.errors import NoSuchObject

# 2000-01-01T12:00Z, from which the first group counts seconds
EPOCH_SECONDS = 946_728_000
CHARACTERS = 36


def new_payment_id(now: datetime) -> UUID:
    """Make a payment's id."""
    return UUID(f"{_seconds(now)}-000f-5000-9000-{secrets.token_hex(6)}")


def new_refund_id(now: datetime) -> UUID:
    """Make a refund's id."""
    return UUID(f"{_seconds(now)}-0015-5000-8000-{secrets.token_hex(6)}")


def new_receipt_id(now: datetime) -> str:
    """Make a receipt's id."""
    return f"rt-{_seconds(now)}-0011-5000-8000-{secrets.token_hex(6)}"


def new_webhook_id(now: datetime) -> str:
    """Make a webhook's id."""
    return f"wh-{_seconds(now)}-0012-5000-8000-{secrets.token_hex(6)}"


def read_id(text: str) -> UUID:
    """Read the id of a payment or refund; what is no id names no object.

    Raises:
        NoSuchObject
    """
    try:
        identity = UUID(text)
    except ValueError as error:
        raise NoSuchObject from error
    if len(text) != CHARACTERS:
        raise NoSuchObject
    return identity


def _seconds(now: datetime) -> str:
    return f"{int(now.timestamp()) - EPOCH_SECONDS:08x}"
