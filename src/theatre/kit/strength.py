"""How good a secret must be before it guards anything real."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import SecretStr

MIN_SECRET_CHARACTERS = 32
# of random secrets of 32 hexadecimal digits, not one in ten million has fewer
MIN_DIFFERENT_CHARACTERS = 8
# words of examples and of our own defaults, too long to come about by chance
PLACEHOLDER = re.compile(
    r"change.?me|example|placeholder|password|sandbox|development|your.?secret", re.IGNORECASE
)


@dataclass(frozen=True)
class Secret:
    """Marks a setting: what production asks of its secret, or of the password in its address.

    What others issue may be shorter than what we make. One that is not required may be empty. A list is written with
    commas.
    """

    min_characters: int = MIN_SECRET_CHARACTERS
    is_required: bool = True
    is_list: bool = False

    def accepts(self, value: Any) -> bool:
        """Tell whether the value of a setting may be used in production."""
        secrets = list(self.secrets_in(value))
        if any(secrets):
            return all(self._is_strong(secret) for secret in secrets)
        return not self.is_required or is_local(value)

    def secrets_in(self, value: Any) -> Iterator[str]:
        """Give the secrets of a setting: itself, its parts, its values, or the password of an address."""
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
            yield from parts_of(value) if self.is_list else self.secrets_in(text)
        elif isinstance(value, dict):
            for item in value.values():
                yield from self.secrets_in(item)
        else:
            yield password_in(value) if "://" in value else value

    def _is_strong(self, secret: str) -> bool:
        return (
            len(secret) >= self.min_characters
            and len(set(secret)) >= MIN_DIFFERENT_CHARACTERS
            and not PLACEHOLDER.search(secret)
        )


def parts_of(secrets: SecretStr) -> list[str]:
    """Split secrets that are written with commas."""
    return [part.strip() for part in secrets.get_secret_value().split(",")]


def password_in(url: str) -> str:
    """Give the password of an address; nothing if it has none or cannot be taken apart."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def is_local(value: Any) -> bool:
    """Tell an address that is a socket of this machine, whose files say who may come in."""
    if not isinstance(value, str) or "://" not in value:
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.hostname is None and all(
        host.startswith("/") for host in parse_qs(parts.query).get("host", ())
    )
