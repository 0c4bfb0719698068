"""Links by which a mail's reader leaves a category with one click (RFC 8058).

A link names the delivery and nothing about its reader. Its signature is made with a key of this purpose alone.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr

from theatre.kit.errors import NotFound

PATH = "/notification/api/v1/unsubscribe"
PURPOSE = b"notification.unsubscribe"
ID_BYTES = 16
SIGNATURE_BYTES = 16


class BadLink(NotFound):
    """The link was not made by us, or what it names is gone."""

    code = "notification.bad_link"
    title = "This link does not hold"


@dataclass(frozen=True)
class Links:
    """Writes and reads the links of this site."""

    public_url: str
    key: bytes

    @classmethod
    def of(cls, public_url: str, secret: SecretStr) -> "Links":
        """Derive the key of the links from the service's secret."""
        key = hmac.digest(secret.get_secret_value().encode(), PURPOSE, hashlib.sha256)
        return cls(public_url.rstrip("/"), key)

    def write(self, delivery_id: UUID) -> str:
        """Give the address that switches off mails like this delivery."""
        word = base64.urlsafe_b64encode(delivery_id.bytes + self._sign(delivery_id.bytes))
        return f"{self.public_url}{PATH}/{word.decode().rstrip('=')}"

    def read(self, token: str) -> UUID:
        """Give the delivery that a link names.

        Raises:
            BadLink
        """
        try:
            word = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadLink from error
        named, signature = word[:ID_BYTES], word[ID_BYTES:]
        if not hmac.compare_digest(signature, self._sign(named)):
            raise BadLink
        return UUID(bytes=named)

    def _sign(self, named: bytes) -> bytes:
        return hmac.digest(self.key, PURPOSE + b"\0" + named, hashlib.sha256)[:SIGNATURE_BYTES]
