"""What services are told where the environment says nothing."""

import stat
from pathlib import Path

import pytest

from theatre.auth.settings import AuthSettings
from theatre.embedded.furniture import furnish
from theatre.embedded.secrets import Secrets
from theatre.embedded.settings import HouseSettings
from theatre.kit.settings import ServiceSettings
from theatre.payment.settings import PaymentSettings
from theatre.registry import SERVICES
from theatre.sandbox.settings import SandboxSettings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where secrets are kept."""
    return tmp_path / "secrets.json"


def furnished(file: Path, port: int = 8123) -> dict[str, ServiceSettings]:
    """Furnish every service as the environment has it."""
    house = HouseSettings(port=port, database_url="postgresql://house/db")
    return furnish(house, {service.name: service.read_settings() for service in SERVICES}, Secrets(file))


def test_secrets_are_the_same_at_the_next_start(file: Path) -> None:
    assert furnished(file) == furnished(file)


def test_secrets_are_for_their_owner_alone(file: Path) -> None:
    furnished(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_another_house_has_other_secrets(tmp_path: Path) -> None:
    first, second = furnished(tmp_path / "a.json"), furnished(tmp_path / "b.json")
    assert first["billing"].service_secret != second["billing"].service_secret


def test_no_two_services_share_a_secret(file: Path) -> None:
    found = [part.service_secret.get_secret_value() for part in furnished(file).values()]
    assert len(set(found)) == len(found)


def test_auth_knows_every_service_by_its_secret(file: Path) -> None:
    parts = furnished(file)
    auth = parts["auth"]
    assert isinstance(auth, AuthSettings)
    assert auth.service_clients == {name: part.service_secret for name, part in parts.items()}


def test_payment_and_sandbox_share_the_key_of_the_shop(file: Path) -> None:
    parts = furnished(file)
    payment, sandbox = parts["payment"], parts["sandbox"]
    assert isinstance(payment, PaymentSettings)
    assert isinstance(sandbox, SandboxSettings)
    assert payment.yookassa_secret_key == sandbox.shop_secret_key
    assert payment.yookassa_shop_id == sandbox.shop_id


def test_the_sandbox_is_stripe_too_for_payment(file: Path) -> None:
    parts = furnished(file)
    payment, sandbox = parts["payment"], parts["sandbox"]
    assert isinstance(payment, PaymentSettings)
    assert isinstance(sandbox, SandboxSettings)
    assert (payment.providers, payment.default_provider) == (("yookassa", "stripe", "yoomoney"), "yookassa")
    assert payment.stripe_secret_key == sandbox.stripe_secret_key
    assert payment.stripe_webhook_secrets == sandbox.stripe_webhook_secret
    assert payment.stripe_api_url == "http://127.0.0.1:8123/sandbox/stripe/v1"


def test_services_meet_at_the_port_of_the_house(file: Path) -> None:
    payment = furnished(file, port=9001)["payment"]
    assert isinstance(payment, PaymentSettings)
    assert payment.auth_url == payment.short_link_url == "http://127.0.0.1:9001"
    assert payment.yookassa_api_url == "http://127.0.0.1:9001/sandbox/v3"


def test_what_the_environment_names_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_DATABASE_URL", "postgresql://elsewhere/billing")
    monkeypatch.setenv("BILLING_SERVICE_SECRET", "named-in-the-environment")
    parts = furnished(file)
    assert parts["billing"].database_url == "postgresql://elsewhere/billing"
    assert parts["billing"].service_secret.get_secret_value() == "named-in-the-environment"
    assert parts["auth"].database_url == "postgresql://house/db"


def test_a_named_secret_is_the_one_that_auth_expects(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_SERVICE_SECRET", "named-in-the-environment")
    auth = furnished(file)["auth"]
    assert isinstance(auth, AuthSettings)
    assert auth.service_clients["billing"].get_secret_value() == "named-in-the-environment"


def test_links_lead_to_the_public_address_if_there_is_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert HouseSettings(port=9001).site == "http://127.0.0.1:9001"
    monkeypatch.setenv("THEATRE_PUBLIC_URL", "https://theatre.example/")
    assert HouseSettings(port=9001).site == "https://theatre.example"


def test_payment_and_sandbox_share_the_wallet_and_its_secrets(file: Path) -> None:
    parts = furnished(file)
    payment, sandbox = parts["payment"], parts["sandbox"]
    assert isinstance(payment, PaymentSettings)
    assert isinstance(sandbox, SandboxSettings)
    assert payment.yoomoney_wallet == sandbox.wallet
    assert payment.yoomoney_wallet_token == sandbox.wallet_token
    assert payment.yoomoney_client_secret == sandbox.wallet_client_secret
    assert payment.yoomoney_notification_secrets == sandbox.wallet_notification_secret
    assert payment.yoomoney_api_url == "http://127.0.0.1:8123/sandbox/yoomoney"
