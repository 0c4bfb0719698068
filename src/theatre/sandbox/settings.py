"""What the sandbox can be told. It never runs in production."""

from collections.abc import Set
from typing import ClassVar

from pydantic import Field, SecretStr

from theatre.kit.settings import ServiceSettings


class SandboxSettings(ServiceSettings):
    """The demo shops, one at each face, the wallet of the demo shop, and the pace of delayed outcomes."""

    service: ClassVar[str] = "sandbox"
    unused: ClassVar[Set[str]] = frozenset(
        {
            *("redis_url", "broker_url", "broker_exchange", "broker_queue_type"),
            *("auth_url", "service_secret", "token_issuer"),
        }
    )

    shop_id: str = Field("100001", pattern=r"^[0-9]{1,20}$", description="the demo shop at YooKassa's face")
    shop_secret_key: SecretStr = Field(SecretStr("test_sandbox_secret_key"), description="its secret key")
    shop_oauth_token: SecretStr = Field(
        SecretStr(""), description="a token that stands for the demo shop as well; none if empty"
    )
    wallet: str = Field(
        "4100100000000001", pattern=r"^[0-9]{11,33}$", description="the demo shop's wallet at YooMoney's face"
    )
    wallet_token: SecretStr = Field(
        SecretStr("sandbox-wallet-token-of-the-theatre"), description="token of its owner"
    )
    wallet_notification_secret: SecretStr = Field(
        SecretStr("sandbox-wallet-notification-secret"), description="signs what its owner is told"
    )
    wallet_notification_url: str = Field("", description="where its owner is told; payment-service if empty")
    wallet_client_id: str = Field(
        "sandbox-theatre", description="the application that asks payers' permission"
    )
    wallet_client_secret: SecretStr = Field(
        SecretStr("sandbox-wallet-client-secret"), description="secret of that application"
    )
    payment_url: str = Field(
        "http://127.0.0.1:8000", description="payment-service, as this service reaches it"
    )
    shop_notification_url: str = Field(
        "", description="where the demo shop is told; payment-service if empty"
    )
    stripe_account_id: str = Field(
        "acct_sandbox", pattern=r"^acct_[0-9A-Za-z]{1,40}$", description="the demo account at Stripe's face"
    )
    stripe_secret_key: SecretStr = Field(SecretStr("sk_test_sandbox"), description="its secret key")
    stripe_webhook_secret: SecretStr = Field(SecretStr("whsec_sandbox"), description="signs what it is told")
    stripe_notification_url: str = Field("", description="where it is told; payment-service if empty")
    delayed_outcome_seconds: int = Field(
        5, ge=0, le=3600, description="how long the outcome takes of cards that have it come later"
    )
    notification_timeout_seconds: float = Field(
        10, gt=0, le=10, description="how long a notification waits for its answer"
    )

    @property
    def demo_notification_url(self) -> str:
        """Where the demo shop hears of changes: payment-service, unless another address is named."""
        return self.shop_notification_url or f"{self.payment_url}/payment/api/v1/callbacks/yookassa"

    @property
    def demo_stripe_notification_url(self) -> str:
        """Where the demo account at Stripe's face hears of changes: likewise."""
        return self.stripe_notification_url or f"{self.payment_url}/payment/api/v1/callbacks/stripe"

    @property
    def demo_wallet_notification_url(self) -> str:
        """Where the owner of the demo shop's wallet hears of what came in."""
        return self.wallet_notification_url or f"{self.payment_url}/payment/api/v1/callbacks/yoomoney"

    def production_faults(self) -> list[str]:
        """Refuse production altogether: this payment system takes no real money."""
        return ["env"]
