"""Settings that every service starts with in production: nothing default, no secret twice."""

import base64
import hashlib
from typing import Any

from theatre.kit.settings import ServiceSettings
from theatre.registry import SERVICES


def secret(purpose: str) -> str:
    """Draw a secret, the same one for the same purpose: 32 bytes in base64."""
    return base64.b64encode(hashlib.sha256(purpose.encode()).digest()).decode()


COMMON: dict[str, Any] = {
    "env": "production",
    "public_url": "https://theatre.test",
    "database_url": f"postgresql://theatre:{secret('postgres').replace('/', '_')}@postgres/theatre",
    "redis_url": f"redis://:{secret('redis').replace('/', '_')}@redis/0",
    "broker_url": f"amqps://theatre:{secret('rabbit').replace('/', '_')}@rabbit/",
    "auth_url": "http://auth",
}
OWN: dict[str, dict[str, Any]] = {
    "auth": {
        "signing_key": secret("signing key"),
        "refresh_secret": secret("refresh"),
        "service_clients": {"auth": secret("auth"), "billing": secret("billing")},
        "superuser_login": "root",
        "superuser_email": "root@theatre.test",
        "superuser_password": "a long walk by the river",
    },
    "billing": {
        "payment_url": "http://payment",
        "notification_url": "http://notification",
        "price_list": "/etc/theatre/prices.yaml",
        "seller_inn": "7701234567",
        "seller_address": "Moscow",
        "seller_email": "billing@theatre.test",
    },
    "payment": {
        "short_link_url": "http://short_link",
        "token_secrets": f"{secret('tokens')},{secret('older tokens')}",
        "providers": "yookassa,stripe,yoomoney",
        "yookassa_api_url": "https://api.yookassa.ru/v3",
        "yookassa_shop_id": "555001",
        "yookassa_secret_key": f"live_{secret('yookassa')}",
        "callback_networks": "185.71.76.0/27, 2a02:5180::/32",
        "stripe_api_url": "https://api.stripe.com/v1",
        "stripe_secret_key": f"sk_live_{secret('stripe')}",
        "stripe_webhook_secrets": f"whsec_{secret('webhook')}, whsec_{secret('older webhook')}",
        "yoomoney_wallet": "410011161616877",
        "yoomoney_wallet_token": secret("wallet"),
        "yoomoney_url": "https://yoomoney.ru",
        "yoomoney_client_id": "an application",
        "yoomoney_client_secret": secret("application"),
        "yoomoney_notification_secrets": f"{secret('wallet notification')[:24]},01234567890ABCDEF01234567890",
    },
    "notification": {
        "smtp_url": "smtps://theatre:mdmqwkpzrtvbhxcl@smtp.theatre.test",
        "mail_from": "Theatre <no-reply@theatre.test>",
    },
    "short_link": {"allowed_hosts": "yoomoney.ru"},
    "movies": {
        "billing_url": "http://billing",
        "stream_secret": secret("streams"),
        "search_url": f"https://theatre:{secret('search').replace('/', '_')}@search:9200",
    },
    "web": {
        "billing_url": "http://billing",
        "movies_url": "http://movies",
        "notification_url": "http://notification",
    },
}


def sound(service: str, **changes: Any) -> dict[str, Any]:
    """Give all that a service must be told to start in production, with `changes`."""
    return {**COMMON, "service_secret": secret(service), **OWN[service], **changes}


def settings_classes() -> dict[str, type[ServiceSettings]]:
    """Give the settings of each service that runs in production."""
    return {service.name: service.settings for service in SERVICES if service.in_production}
