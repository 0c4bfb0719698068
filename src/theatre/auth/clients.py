"""Our own services as clients of auth."""

import hmac
from collections.abc import Mapping

from pydantic import SecretStr

from theatre.auth.errors import BadClient


def check_client(clients: Mapping[str, SecretStr], client_id: str, client_secret: str) -> None:
    """Make sure that a client is one of our services, in a time that does not tell how much was right.

    Raises:
        BadClient
    """
    secret = clients[client_id].get_secret_value() if client_id in clients else ""
    is_right = hmac.compare_digest(secret.encode(), client_secret.encode())
    if not is_right or not secret:
        raise BadClient
