"""What payment can be told."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from theatre.kit.settings import MIN_SECRET_CHARACTERS, ServiceSettings

SANDBOX_SHOP_ID = "100001"
SANDBOX_SECRET_KEY = "test_sandbox_secret_key"  # noqa: S105 - the sandbox takes it, a production start does not
DEVELOPMENT_TOKEN_SECRET = "development-only-token-secret-0001"  # noqa: S105 - likewise
WIDEST_NETWORK_BITS = {4: 16, 6: 32}

Network = IPv4Network | IPv6Network


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class PaymentSettings(ServiceSettings):
    """Settings of payment; lists are written with commas.

    `callback_networks` are the addresses that notifications may come from, `trusted_proxies` those whose
    `X-Forwarded-For` is believed. `token_secrets` encrypt wallet tokens: the newest first, older ones still read.
    """

    service: ClassVar[str] = "payment"

    short_link_url: str = "http://127.0.0.1:8000"
    default_provider: str = "yookassa"
    yookassa_api_url: str = "http://127.0.0.1:8000/sandbox/v3"
    yookassa_shop_id: str = SANDBOX_SHOP_ID
    yookassa_secret_key: SecretStr = SecretStr(SANDBOX_SECRET_KEY)
    yookassa_confirmation_hosts: Words = ("yoomoney.ru", "yookassa.ru")
    callback_networks: Networks = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    trusted_proxies: Networks = ()
    forged_callback_rate: str = "60/minute"
    token_secrets: SecretStr = SecretStr(DEVELOPMENT_TOKEN_SECRET)
    janitor_seconds: float = Field(
        2.0, gt=0, description="how often due questions to providers are looked for"
    )

    def production_faults(self) -> list[str]:
        """Add payment's own: no sandbox, no default secret, no sender that anybody can be."""
        checks = {
            "yookassa_api_url": _is_real(self.yookassa_api_url),
            "yookassa_shop_id": bool(self.yookassa_shop_id) and self.yookassa_shop_id != SANDBOX_SHOP_ID,
            "yookassa_secret_key": self.yookassa_secret_key.get_secret_value()
            not in {"", SANDBOX_SECRET_KEY},
            "callback_networks": bool(self.callback_networks)
            and not any(map(_is_open, self.callback_networks)),
            "token_secrets": all(map(_is_strong, self.token_secret_list())),
        }
        return [*super().production_faults(), *(name for name, good in checks.items() if not good)]

    def token_secret_list(self) -> list[str]:
        """Give the secrets of `token_secrets`, the newest first; never none."""
        return [part.strip() for part in self.token_secrets.get_secret_value().split(",")]


def _is_real(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and not parts.path.startswith("/sandbox")


def _is_open(network: Network) -> bool:
    return network.is_loopback or network.prefixlen < WIDEST_NETWORK_BITS[network.version]


def _is_strong(secret: str) -> bool:
    return len(secret) >= MIN_SECRET_CHARACTERS and secret != DEVELOPMENT_TOKEN_SECRET
