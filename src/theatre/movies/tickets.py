"""Tickets to a stream: which film, and until when, signed by us. Whoever holds one may look until then."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from uuid import UUID

from pydantic import SecretStr

from theatre.movies.errors import TicketExpired, TicketInvalid

SIGNATURE_BYTES = 18


def write(secret: SecretStr, film_id: UUID, expires_at: datetime) -> str:
    """Write a ticket, in signs that an address can hold."""
    content = f"{film_id.hex}.{int(expires_at.timestamp())}"
    return f"{content}.{_sign(secret, content)}"


def read(secret: SecretStr, ticket: str, *, now: datetime) -> UUID:
    """Tell for which film a ticket is.

    Raises:
        TicketInvalid: not written by us.
        TicketExpired
    """
    content, _, signature = ticket.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _sign(secret, content).encode()):
        raise TicketInvalid
    film_id, _, expires_at = content.partition(".")
    if datetime.fromtimestamp(int(expires_at), UTC) <= now:
        raise TicketExpired
    return UUID(film_id)


def _sign(secret: SecretStr, content: str) -> str:
    digest = hmac.digest(secret.get_secret_value().encode(), content.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:SIGNATURE_BYTES]).decode()
