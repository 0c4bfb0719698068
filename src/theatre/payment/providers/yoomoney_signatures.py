"""How YooMoney signs notifications: an HMAC over every field, and an old hash over nine of them."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import quote

SIGN = "sign"
SHA1 = "sha1_hash"
SECRET = "notification_secret"  # noqa: S105 - the place of the secret in the hashed string, as their text calls it
SHA1_FIELDS = (
    "notification_type",
    "operation_id",
    "amount",
    "currency",
    "datetime",
    "sender",
    "codepro",
    SECRET,
    "label",
)


def is_authentic(fields: Mapping[str, str], secrets: Sequence[str], *, takes_sha1: bool) -> bool:
    """Tell whether one of our secrets signed these fields.

    Where `sign` is present it decides; the old hash counts only where there is no `sign` and we take it at all. An
    empty secret signs nothing.
    """
    known = [secret for secret in secrets if secret]
    if SIGN in fields:
        # their text says %20 for a space, one sender was seen to write +: both stand for the same fields
        expected = [sign_of(fields, secret, space=space) for secret in known for space in ("%20", "+")]
        return _is_among(fields[SIGN], expected)
    if not takes_sha1:
        return False
    return _is_among(fields.get(SHA1, ""), [sha1_of(fields, secret) for secret in known])


def sign_of(fields: Mapping[str, str], secret: str, *, space: str = "%20") -> str:
    """Sign all fields but `sign` itself."""
    pairs = (f"{_quoted(name)}={_quoted(fields[name])}" for name in sorted(fields) if name != SIGN)
    text = "&".join(pairs).replace("%20", space)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def sha1_of(fields: Mapping[str, str], secret: str) -> str:
    """Hash the nine fields of the old scheme; it covers neither `withdraw_amount` nor `unaccepted`."""
    with_secret = {**fields, SECRET: secret}
    text = "&".join(with_secret.get(name, "") for name in SHA1_FIELDS)
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _is_among(given: str, expected: Sequence[str]) -> bool:
    # every one is compared, so that the time tells nothing
    return sum(hmac.compare_digest(one.encode(), given.encode()) for one in expected) > 0
