"""What payment can be told, and what it will not run with in production."""

from ipaddress import ip_network
from typing import Any

import pytest
from pydantic import ValidationError

from tests.factories.production import secret, sound
from theatre.kit.settings import InsecureSettings
from theatre.payment.settings import (
    DEVELOPMENT_TOKEN_SECRET,
    SANDBOX_CLIENT_SECRET,
    SANDBOX_SECRET_KEY,
    SANDBOX_STRIPE_SECRET_KEY,
    SANDBOX_STRIPE_WEBHOOK_SECRET,
    SANDBOX_WALLET,
    SANDBOX_WALLET_SECRET,
    SANDBOX_WALLET_TOKEN,
    PaymentSettings,
)

SOUND = sound("payment", providers="yookassa")
SOUND_STRIPE = sound("payment", providers="yookassa,stripe")
SOUND_YOOMONEY = sound("payment", providers="yookassa,yoomoney")


@pytest.mark.parametrize("told", [SOUND, SOUND_STRIPE, SOUND_YOOMONEY])
def test_sound_settings_start_in_production(told: dict[str, Any]) -> None:
    PaymentSettings(**told).check_production()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("yoomoney_wallet", SANDBOX_WALLET),
        ("yoomoney_wallet_token", ""),
        ("yoomoney_wallet_token", SANDBOX_WALLET_TOKEN),
        ("yoomoney_url", "http://yoomoney.ru"),
        ("yoomoney_url", "https://theatre.example/sandbox/yoomoney"),
        ("yoomoney_api_url", "http://127.0.0.1:8000/sandbox/yoomoney"),
        ("yoomoney_client_id", ""),
        ("yoomoney_client_secret", ""),
        ("yoomoney_client_secret", SANDBOX_CLIENT_SECRET),
        ("yoomoney_notification_secrets", ""),
        ("yoomoney_notification_secrets", f"{secret('one')},"),
        ("yoomoney_notification_secrets", f"{secret('one')},{SANDBOX_WALLET_SECRET}"),
    ],
)
def test_a_wallet_of_ours_needs_all_of_its_secrets_in_production(name: str, value: str) -> None:
    """S-P3, F-C9"""
    with pytest.raises(InsecureSettings, match=f"PAYMENT_{name.upper()}$"):
        PaymentSettings(**{**SOUND_YOOMONEY, name: value}).check_production()


def test_a_wallet_is_a_number() -> None:
    with pytest.raises(ValidationError):
        PaymentSettings(yoomoney_wallet='41001"),payment-p2p')


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("yookassa_api_url", "http://api.yookassa.ru/v3"),
        ("yookassa_api_url", "https://theatre.example/sandbox/v3"),
        ("yookassa_shop_id", ""),
        ("yookassa_shop_id", "100001"),
        ("yookassa_secret_key", ""),
        ("yookassa_secret_key", SANDBOX_SECRET_KEY),
        ("callback_networks", ""),
        ("callback_networks", "127.0.0.0/8"),
        ("callback_networks", "185.71.76.0/27,0.0.0.0/0"),
        ("callback_networks", "::/0"),
        ("token_secrets", ""),
        ("token_secrets", "short"),
        ("token_secrets", f"{secret('one')},{DEVELOPMENT_TOKEN_SECRET}"),
        ("service_secret", ""),
    ],
)
def test_production_refuses_to_start_and_names_the_setting(name: str, value: str) -> None:
    """S-P3, F-C9: neither the sandbox, nor an empty or default secret, nor a sender that anybody can be."""
    with pytest.raises(InsecureSettings, match=f"PAYMENT_{name.upper()}$") as refused:
        PaymentSettings(**{**SOUND, name: value}).check_production()
    assert not value or value not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stripe_api_url", "http://api.stripe.com/v1"),
        ("stripe_api_url", "https://theatre.example/sandbox/stripe/v1"),
        ("stripe_secret_key", ""),
        ("stripe_secret_key", SANDBOX_STRIPE_SECRET_KEY),
        ("stripe_secret_key", "sk_test_51"),
        ("stripe_webhook_secrets", ""),
        ("stripe_webhook_secrets", ","),
        ("stripe_webhook_secrets", SANDBOX_STRIPE_WEBHOOK_SECRET),
        ("stripe_webhook_secrets", f"whsec_{secret('one')},{SANDBOX_STRIPE_WEBHOOK_SECRET}"),
        ("stripe_webhook_secrets", secret("one")),
    ],
)
def test_production_refuses_to_start_with_stripe_half_configured(name: str, value: str) -> None:
    """S-P3, F-C9; one that is off needs nothing."""
    with pytest.raises(InsecureSettings, match=f"PAYMENT_{name.upper()}$"):
        PaymentSettings(**{**SOUND_STRIPE, name: value}).check_production()
    PaymentSettings(**{**SOUND, name: value}).check_production()


def test_production_with_stripe_alone_needs_nothing_of_yookassa() -> None:
    alone = {**SOUND_STRIPE, "providers": "stripe", "default_provider": "stripe"}
    PaymentSettings(**{**alone, "yookassa_secret_key": "", "callback_networks": ""}).check_production()


@pytest.mark.parametrize(
    "words",
    [
        {"providers": ""},
        {"providers": "paypal"},
        {"providers": "yookassa,yookassa"},
        {"providers": "stripe"},
        {"default_provider": "stripe"},
        {"provider_routes": {"EUR": "stripe"}},
        {"providers": "yookassa,stripe", "provider_routes": {"EUR": ""}},
        {"providers": "yookassa,stripe", "provider_routes": {"EUR": "stripe,yookassa,stripe"}},
        {"providers": "yookassa,stripe", "provider_routes": {"eur": "stripe"}},
    ],
)
def test_routes_that_lead_nowhere_are_refused(words: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PaymentSettings(**words)


def test_routes_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENT_PROVIDERS", "yookassa, stripe")
    monkeypatch.setenv("PAYMENT_PROVIDER_ROUTES", '{"EUR": "stripe, yookassa", "USD": ["stripe"]}')
    settings = PaymentSettings()
    assert settings.providers == ("yookassa", "stripe")
    assert settings.provider_routes == {"EUR": ("stripe", "yookassa"), "USD": ("stripe",)}


def test_lists_are_read_from_the_environment_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENT_CALLBACK_NETWORKS", "185.71.76.0/27, ::1")
    monkeypatch.setenv("PAYMENT_YOOKASSA_CONFIRMATION_HOSTS", "yoomoney.ru,")
    settings = PaymentSettings()
    assert settings.callback_networks == (ip_network("185.71.76.0/27"), ip_network("::1"))
    assert settings.yookassa_confirmation_hosts == ("yoomoney.ru",)


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        PaymentSettings(callback_networks="185.71.76.1/27")
