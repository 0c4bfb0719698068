"""The signature of Stripe's notifications: HMAC-SHA256 of the moment and the raw body, `t=…,v1=…[,v1=…]`."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

TOLERANCE_SECONDS = 300
MAX_HEADER_CHARACTERS = 2_000
MAX_MOMENT_CHARACTERS = 12


def is_good(header: str, body: bytes, *, secrets: Sequence[str], now: datetime) -> bool:
    """Tell whether any of the signatures was made with any of the secrets, at most five minutes from now.

    A moment ahead of ours is refused like one long past. An empty secret never verifies. Signatures are
    compared in constant time.
    """
    moment, signatures = _read(header)
    if moment is None or abs(now.timestamp() - int(moment)) > TOLERANCE_SECONDS:
        return False
    signed = moment.encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets if secret]
    return any(hmac.compare_digest(own, given) for own in expected for given in signatures)


def _read(header: str) -> tuple[str | None, list[str]]:
    if len(header) > MAX_HEADER_CHARACTERS or not header.isascii():
        return None, []
    parts = [part.strip().partition("=") for part in header.split(",")]
    moments = [value for name, _, value in parts if name == "t"]
    if len(moments) != 1 or not moments[0].isdigit() or len(moments[0]) > MAX_MOMENT_CHARACTERS:
        return None, []
    return moments[0], [value for name, _, value in parts if name == "v1"]
