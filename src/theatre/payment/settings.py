"""What payment can be told."""

from collections.abc import Set
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import NoDecode

from theatre.kit.settings import ServiceSettings
from theatre.kit.strength import Secret, parts_of

SANDBOX_SHOP_ID = "100001"
SANDBOX_SECRET_KEY = "test_sandbox_secret_key"  # noqa: S105 - the sandbox takes it, a production start does not
SANDBOX_STRIPE_SECRET_KEY = "sk_test_sandbox"  # noqa: S105 - likewise
SANDBOX_STRIPE_WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105 - likewise
SANDBOX_WALLET = "4100100000000001"
SANDBOX_WALLET_TOKEN = "sandbox-wallet-token-of-the-theatre"  # noqa: S105 - likewise
SANDBOX_WALLET_SECRET = "sandbox-wallet-notification-secret"  # noqa: S105 - likewise
SANDBOX_CLIENT_ID = "sandbox-theatre"
SANDBOX_CLIENT_SECRET = "sandbox-wallet-client-secret"  # noqa: S105 - likewise
DEVELOPMENT_TOKEN_SECRET = "development-only-token-secret-0001"  # noqa: S105 - likewise
WIDEST_NETWORK_BITS = {4: 16, 6: 32}
LIVE_STRIPE_KEYS = ("sk_live_", "rk_live_")
STRIPE_WEBHOOK_SECRETS = "whsec_"
TEST_SHOP_KEYS = "test_"
YOOMONEY_NOTIFICATION_SECRET_CHARACTERS = 24
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

    What belongs to a payment system that is not among `providers` is not looked at.
    """

    service: ClassVar[str] = "payment"

    short_link_url: str = Field(
        "http://127.0.0.1:8000", description="short-link-service, as this service reaches it"
    )
    providers: ProviderNames = Field(
        ("yookassa",), description="payment systems that are on: `yookassa`, `stripe`, `yoomoney`"
    )
    default_provider: str = Field("yookassa", description="for currencies without a route")
    provider_routes: dict[Currency, Route] = Field(
        {},
        description="by currency, which are tried in which order where a checkout names none: "
        '`{"EUR": "stripe,yookassa"}`',
    )
    yookassa_api_url: str = Field(
        "http://127.0.0.1:8000/sandbox/v3", description="YooKassa: `https://api.yookassa.ru/v3`"
    )
    yookassa_shop_id: str = Field(SANDBOX_SHOP_ID, description="shop at YooKassa")
    yookassa_secret_key: SecretStr = Field(SecretStr(SANDBOX_SECRET_KEY), description="its secret key")
    yookassa_confirmation_hosts: Words = Field(
        ("yoomoney.ru", "yookassa.ru"), description="hosts of YooKassa's pages; it sends payers nowhere else"
    )
    stripe_api_url: str = Field(
        "http://127.0.0.1:8000/sandbox/stripe/v1", description="Stripe: `https://api.stripe.com/v1`"
    )
    stripe_secret_key: SecretStr = Field(
        SecretStr(SANDBOX_STRIPE_SECRET_KEY), description="secret or restricted key at Stripe"
    )
    stripe_webhook_secrets: Annotated[SecretStr, Secret(is_list=True)] = Field(
        SecretStr(SANDBOX_STRIPE_WEBHOOK_SECRET), description="secrets of the webhook endpoint; each verifies"
    )
    stripe_page_hosts: Words = Field(("checkout.stripe.com",), description="hosts of Stripe's pages")
    yoomoney_wallet: str = Field(
        SANDBOX_WALLET, pattern=r"^[0-9]{11,33}$", description="our wallet at YooMoney"
    )
    yoomoney_wallet_token: SecretStr = Field(
        SecretStr(SANDBOX_WALLET_TOKEN), description="OAuth token of our wallet's owner"
    )
    yoomoney_url: str = Field(
        "http://127.0.0.1:8000/sandbox/yoomoney",
        description="where browsers reach YooMoney: `https://yoomoney.ru`; we too unless `yoomoney_api_url` says else",
    )
    yoomoney_api_url: str = Field("", description="where we reach it, if elsewhere")
    yoomoney_client_id: str = Field(SANDBOX_CLIENT_ID, description="our application at YooMoney")
    yoomoney_client_secret: SecretStr = Field(
        SecretStr(SANDBOX_CLIENT_SECRET), description="secret of our application"
    )
    yoomoney_notification_secrets: Annotated[
        SecretStr, Secret(YOOMONEY_NOTIFICATION_SECRET_CHARACTERS, is_list=True)
    ] = Field(SecretStr(SANDBOX_WALLET_SECRET), description="secrets of notifications; each verifies")
    yoomoney_legacy_sha1: bool = Field(
        False, description="take notifications too that have the old hash alone, which protects less"
    )
    yoomoney_limit_roubles: int = Field(
        5000,
        gt=0,
        description="what a payer's permission allows within 30 days, or the price if that is more",
    )
    callback_networks: Networks = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="addresses that YooKassa's notifications may come from",
    )
    trusted_proxies: Networks = Field((), description="whose `X-Forwarded-For` is believed")
    forged_callback_rate: str = Field(
        "60/minute", description="forged callbacks of one address before it must wait"
    )
    wallet_rate: str = Field(
        "60/minute", description="what one address may do on the pages of payers' wallets"
    )
    token_secrets: Annotated[SecretStr, Secret(is_list=True)] = Field(
        SecretStr(DEVELOPMENT_TOKEN_SECRET),
        description="encrypt payers' tokens in Redis; the newest first, older ones still read",
    )
    janitor_seconds: float = Field(
        2.0, gt=0, description="how often due questions to providers are looked for"
    )

    @model_validator(mode="after")
    def _check_routes(self) -> "PaymentSettings":
        routed = {name for route in self.provider_routes.values() for name in route}
        if off := sorted({self.default_provider, *routed} - set(self.providers)):
            raise ValueError(f"providers must have on what is routed to: {', '.join(off)}")
        return self

    def list_unused(self) -> Set[str]:
        """Name what belongs to payment systems that are off."""
        off = KNOWN_PROVIDERS.difference(self.providers)
        own = tuple(f"{provider}_" for provider in off)
        names = {name for name in type(self).model_fields if name.startswith(own)}
        return names | ({"callback_networks"} if "yookassa" in off else set())

    def production_faults(self) -> list[str]:
        """Add payment's own: no sandbox, no test shop, no sender that anybody can be."""
        stripe_key, webhook_secrets = self.stripe_secret_key, parts_of(self.stripe_webhook_secrets)
        checks = {
            "yookassa_api_url": _is_real(self.yookassa_api_url),
            "yookassa_shop_id": self.yookassa_shop_id not in {"", SANDBOX_SHOP_ID},
            "yookassa_secret_key": not self.yookassa_secret_key.get_secret_value().startswith(TEST_SHOP_KEYS),
            "callback_networks": bool(self.callback_networks)
            and not any(map(_is_open, self.callback_networks)),
            "stripe_api_url": _is_real(self.stripe_api_url),
            "stripe_secret_key": stripe_key.get_secret_value().startswith(LIVE_STRIPE_KEYS),
            "stripe_webhook_secrets": all(one.startswith(STRIPE_WEBHOOK_SECRETS) for one in webhook_secrets),
            "yoomoney_wallet": self.yoomoney_wallet != SANDBOX_WALLET,
            "yoomoney_url": _is_real(self.yoomoney_url),
            "yoomoney_api_url": not self.yoomoney_api_url or _is_real(self.yoomoney_api_url),
            "yoomoney_client_id": self.yoomoney_client_id not in {"", SANDBOX_CLIENT_ID},
        }
        return [*super().production_faults(), *(name for name, good in checks.items() if not good)]

    def yoomoney_secret_list(self) -> list[str]:
        """Give the secrets of `yoomoney_notification_secrets` that are any."""
        return [secret for secret in parts_of(self.yoomoney_notification_secrets) if secret]

    def token_secret_list(self) -> list[str]:
        """Give the secrets of `token_secrets`, the newest first; never none."""
        return parts_of(self.token_secrets)

    def stripe_webhook_secret_list(self) -> list[str]:
        """Give the secrets of `stripe_webhook_secrets`; an empty one is none."""
        return [secret for secret in parts_of(self.stripe_webhook_secrets) if secret]


def _is_real(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and not parts.path.startswith("/sandbox")


def _is_open(network: Network) -> bool:
    return network.is_loopback or network.prefixlen < WIDEST_NETWORK_BITS[network.version]
