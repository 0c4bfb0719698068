"""What each service of the house is told where the environment says nothing: addresses and secrets."""

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, TypeVar

from pydantic import SecretStr

from theatre.embedded.secrets import Secrets
from theatre.embedded.settings import HouseSettings
from theatre.kit.settings import ServiceSettings

HANDED_DOWN = ("env", "public_url", "database_url", "redis_url", "broker_url", "broker_exchange")

SANDBOX_WALLET = "4100100000000001"

S = TypeVar("S", bound=ServiceSettings)
Own = Callable[[Secrets, HouseSettings], dict[str, Any]]


def furnish(
    house: HouseSettings, named: Mapping[str, ServiceSettings], secrets: Secrets
) -> dict[str, ServiceSettings]:
    """Complete every service's settings; what the environment named stays."""
    shared: dict[str, Any] = {
        **{name: getattr(house, name) for name in HANDED_DOWN},
        **{f"{name}_url": house.address for name in named},
    }
    parts = {}
    for name, settings in named.items():
        secret = SecretStr(secrets.get(f"{name}.service_secret"))
        own = OWN[name](secrets, house) if name in OWN else {}
        parts[name] = complete(settings, {**shared, "service_secret": secret, **own})
    clients = {name: part.service_secret for name, part in parts.items()}
    parts["auth"] = complete(parts["auth"], {"service_clients": clients})
    secrets.save()
    return parts


def complete(settings: S, values: Mapping[str, Any]) -> S:
    """Fill those fields that exist and were not set."""
    unset = type(settings).model_fields.keys() - settings.model_fields_set
    return settings.model_copy(update={name: value for name, value in values.items() if name in unset})


def _auth(secrets: Secrets, house: HouseSettings) -> dict[str, Any]:
    return {
        "signing_key": SecretStr(secrets.get("auth.signing_key")),
        "refresh_secret": SecretStr(secrets.get("auth.refresh_secret")),
        "demo_users": True,
        # the storefront calls from this very process and says for whom
        "trusted_proxies": [ip_network("127.0.0.0/8")],
    }


def _payment(secrets: Secrets, house: HouseSettings) -> dict[str, Any]:
    return {
        "yookassa_api_url": f"{house.address}/sandbox/v3",
        "yookassa_secret_key": SecretStr(secrets.get("sandbox.shop_secret_key")),
        # the sandbox is every payment system that it has a face for
        "providers": ("yookassa", "stripe", "yoomoney"),
        "stripe_api_url": f"{house.address}/sandbox/stripe/v1",
        "stripe_secret_key": SecretStr(secrets.get("sandbox.stripe_secret_key")),
        "stripe_webhook_secrets": SecretStr(secrets.get("sandbox.stripe_webhook_secret")),
        "token_secrets": SecretStr(secrets.get("payment.token_secrets")),
        "yoomoney_wallet": SANDBOX_WALLET,
        "yoomoney_url": f"{house.site}/sandbox/yoomoney",
        "yoomoney_api_url": f"{house.address}/sandbox/yoomoney",
        "yoomoney_wallet_token": SecretStr(secrets.get("sandbox.wallet_token")),
        "yoomoney_client_secret": SecretStr(secrets.get("sandbox.wallet_client_secret")),
        "yoomoney_notification_secrets": SecretStr(secrets.get("sandbox.wallet_notification_secret")),
    }


def _sandbox(secrets: Secrets, house: HouseSettings) -> dict[str, Any]:
    names = (
        *("shop_secret_key", "stripe_secret_key", "stripe_webhook_secret"),
        *("wallet_token", "wallet_client_secret", "wallet_notification_secret"),
    )
    own = {name: SecretStr(secrets.get(f"sandbox.{name}")) for name in names}
    return {**own, "wallet": SANDBOX_WALLET}


def _movies(secrets: Secrets, house: HouseSettings) -> dict[str, Any]:
    return {
        "demo_films": True,
        "index_folder": house.index_folder,
        "stream_secret": SecretStr(secrets.get("movies.stream_secret")),
    }


OWN: dict[str, Own] = {"auth": _auth, "movies": _movies, "payment": _payment, "sandbox": _sandbox}
