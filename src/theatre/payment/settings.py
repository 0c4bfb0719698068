"""What payment can be told."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import NoDecode

from theatre.kit.settings import MIN_SECRET_CHARACTERS, ServiceSettings

SANDBOX_SHOP_ID = "100001"
SANDBOX_SECRET_KEY = "test_sandbox_secret_key"  # noqa: S105 - the sandbox takes it, a production start does not
SANDBOX_STRIPE_SECRET_KEY = "sk_test_sandbox"  # noqa: S105 - likewise
SANDBOX_STRIPE_WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105 - likewise
SANDBOX_WALLET = "4100100000000001"
SANDBOX_WALLET_TOKEN = "sandbox-wallet-token-of-the-theatre"  # noqa: S105 - likewise
SANDBOX_WALLET_SECRET = "sandbox-wallet-notification-secret"  # noqa: S105 - likewise
SANDBOX_CLIENT_SECRET = "sandbox-wallet-client-secret"  # noqa: S105 - likewise
DEVELOPMENT_TOKEN_SECRET = "development-only-token-secret-0001"  # noqa: S105 - likewise
WIDEST_NETWORK_BITS = {4: 16, 6: 32}
LIVE_STRIPE_KEYS = ("sk_live_", "rk_live_")
STRIPE_WEBHOOK_SECRETS = "whsec_"
MIN_WEBHOOK_SECRET_CHARACTERS = 24
KNOWN_PROVIDERS = frozenset({"yookassa", "stripe", "yoomoney"})

Network = IPv4Network | IPv6Network


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


def _of_known(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names or len(set(names)) != len(names) or not KNOWN_PROVIDERS.issuperset(names):
        raise ValueError(f"must name one or more of {', '.join(sorted(KNOWN_PROVIDERS))}, each once")
    return names


ProviderNames = Annotated[Words, AfterValidator(_of_known)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Route = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_of_known)]


class PaymentSettings(ServiceSettings):
    """Settings of payment; lists are written with commas.

    `providers` are the payment systems that are on. Where a checkout names none, `provider_routes` says which are tried
    for a currency, in their order (`{"EUR": "stripe,yookassa"}`); a currency without a route has `default_provider`
    alone. `callback_networks` are the addresses that notifications may come from, `trusted_proxies` those whose
    `X-Forwarded-For` is believed. `token_secrets` encrypt wallet tokens: the newest first, older ones still read.
    Each of `stripe_webhook_secrets` verifies.
    At YooMoney `yoomoney_wallet` is ours; browsers go to `yoomoney_url`, and we too unless `yoomoney_api_url` says
    otherwise. Of `yoomoney_notification_secrets` each is taken; `yoomoney_legacy_sha1` also takes notifications that
    have the old hash alone.
    """

    service: ClassVar[str] = "payment"

    short_link_url: str = "http://127.0.0.1:8000"
    providers: ProviderNames = ("yookassa",)
    default_provider: str = "yookassa"
    provider_routes: dict[Currency, Route] = {}
    yookassa_api_url: str = "http://127.0.0.1:8000/sandbox/v3"
    yookassa_shop_id: str = SANDBOX_SHOP_ID
    yookassa_secret_key: SecretStr = SecretStr(SANDBOX_SECRET_KEY)
    yookassa_confirmation_hosts: Words = ("yoomoney.ru", "yookassa.ru")
    stripe_api_url: str = "http://127.0.0.1:8000/sandbox/stripe/v1"
    stripe_secret_key: SecretStr = SecretStr(SANDBOX_STRIPE_SECRET_KEY)
    stripe_webhook_secrets: SecretStr = SecretStr(SANDBOX_STRIPE_WEBHOOK_SECRET)
    stripe_page_hosts: Words = ("checkout.stripe.com",)
    yoomoney_wallet: str = Field(SANDBOX_WALLET, pattern=r"^[0-9]{11,33}$")
    yoomoney_wallet_token: SecretStr = SecretStr(SANDBOX_WALLET_TOKEN)
    yoomoney_url: str = "http://127.0.0.1:8000/sandbox/yoomoney"
    yoomoney_api_url: str = ""
    yoomoney_client_id: str = "sandbox-theatre"
    yoomoney_client_secret: SecretStr = SecretStr(SANDBOX_CLIENT_SECRET)
    yoomoney_notification_secrets: SecretStr = SecretStr(SANDBOX_WALLET_SECRET)
    yoomoney_legacy_sha1: bool = False
    yoomoney_limit_roubles: int = Field(
        5000,
        gt=0,
        description="what a payer's permission allows within 30 days, or the price if that is more",
    )
    callback_networks: Networks = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    trusted_proxies: Networks = ()
    forged_callback_rate: str = "60/minute"
    wallet_rate: str = Field(
        "60/minute", description="what one address may do on the pages of payers' wallets"
    )
    token_secrets: SecretStr = SecretStr(DEVELOPMENT_TOKEN_SECRET)
    janitor_seconds: float = Field(
        2.0, gt=0, description="how often due questions to providers are looked for"
    )

    @model_validator(mode="after")
    def _check_routes(self) -> "PaymentSettings":
        routed = {name for route in self.provider_routes.values() for name in route}
        if off := sorted({self.default_provider, *routed} - set(self.providers)):
            raise ValueError(f"providers must have on what is routed to: {', '.join(off)}")
        return self

    def production_faults(self) -> list[str]:
        """Add payment's own: no sandbox, no default secret, no sender that anybody can be."""
        checks = {"token_secrets": all(map(_is_strong, self.token_secret_list()))}
        own: dict[str, Mapping[str, bool]] = {
            "yookassa": self._yookassa_checks(),
            "stripe": self._stripe_checks(),
            "yoomoney": self._yoomoney_checks(),
        }
        for name in self.providers:
            checks.update(own[name])
        return [*super().production_faults(), *(name for name, good in checks.items() if not good)]

    def _yookassa_checks(self) -> dict[str, bool]:
        return {
            "yookassa_api_url": _is_real(self.yookassa_api_url),
            "yookassa_shop_id": bool(self.yookassa_shop_id) and self.yookassa_shop_id != SANDBOX_SHOP_ID,
            "yookassa_secret_key": self.yookassa_secret_key.get_secret_value()
            not in {"", SANDBOX_SECRET_KEY},
            "callback_networks": bool(self.callback_networks)
            and not any(map(_is_open, self.callback_networks)),
        }

    def _stripe_checks(self) -> dict[str, bool]:
        secrets = self.stripe_webhook_secret_list()
        return {
            "stripe_api_url": _is_real(self.stripe_api_url),
            "stripe_secret_key": self.stripe_secret_key.get_secret_value().startswith(LIVE_STRIPE_KEYS),
            "stripe_webhook_secrets": bool(secrets)
            and all(secret.startswith(STRIPE_WEBHOOK_SECRETS) for secret in secrets)
            and all(len(secret) >= MIN_WEBHOOK_SECRET_CHARACTERS for secret in secrets),
        }

    def _yoomoney_checks(self) -> dict[str, bool]:
        token = self.yoomoney_wallet_token.get_secret_value()
        client_secret = self.yoomoney_client_secret.get_secret_value()
        secrets = parts_of(self.yoomoney_notification_secrets)
        return {
            "yoomoney_wallet": self.yoomoney_wallet != SANDBOX_WALLET,
            "yoomoney_wallet_token": token not in {"", SANDBOX_WALLET_TOKEN},
            "yoomoney_url": _is_real(self.yoomoney_url),
            "yoomoney_api_url": not self.yoomoney_api_url or _is_real(self.yoomoney_api_url),
            "yoomoney_client_id": self.yoomoney_client_id not in {"", "sandbox-theatre"},
            "yoomoney_client_secret": client_secret not in {"", SANDBOX_CLIENT_SECRET},
            "yoomoney_notification_secrets": all(secrets) and SANDBOX_WALLET_SECRET not in secrets,
        }

    def yoomoney_secret_list(self) -> list[str]:
        """Give the secrets of `yoomoney_notification_secrets` that are any."""
        return [secret for secret in parts_of(self.yoomoney_notification_secrets) if secret]

    def token_secret_list(self) -> list[str]:
        """Give the secrets of `token_secrets`, the newest first; never none."""
        return parts_of(self.token_secrets)

    def stripe_webhook_secret_list(self) -> list[str]:
        """Give the secrets of `stripe_webhook_secrets`; an empty one is none."""
        return [secret for secret in parts_of(self.stripe_webhook_secrets) if secret]


def parts_of(secrets: SecretStr) -> list[str]:
    """Split secrets that are written with commas."""
    return [part.strip() for part in secrets.get_secret_value().split(",")]


def _is_real(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and not parts.path.startswith("/sandbox")


def _is_open(network: Network) -> bool:
    return network.is_loopback or network.prefixlen < WIDEST_NETWORK_BITS[network.version]


def _is_strong(secret: str) -> bool:
    return len(secret) >= MIN_SECRET_CHARACTERS and secret != DEVELOPMENT_TOKEN_SECRET
