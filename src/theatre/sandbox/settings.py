"""What the sandbox can be told. It never runs in production."""

from typing import ClassVar

from pydantic import Field, SecretStr

from theatre.kit.settings import ServiceSettings


class SandboxSettings(ServiceSettings):
    """The demo shops, one at each face, and the pace of delayed outcomes."""

    service: ClassVar[str] = "sandbox"

    shop_id: str = Field("100001", pattern=r"^[0-9]{1,20}$")
    shop_secret_key: SecretStr = SecretStr("test_sandbox_secret_key")
    shop_oauth_token: SecretStr = SecretStr("")
    payment_url: str = "http://127.0.0.1:8000"
    shop_notification_url: str = ""
    stripe_account_id: str = Field("acct_sandbox", pattern=r"^acct_[0-9A-Za-z]{1,40}$")
    stripe_secret_key: SecretStr = SecretStr("sk_test_sandbox")
    stripe_webhook_secret: SecretStr = SecretStr("whsec_sandbox")
    stripe_notification_url: str = ""
    delayed_outcome_seconds: int = Field(5, ge=0, le=3600)
    notification_timeout_seconds: float = Field(10, gt=0, le=10)

    @property
    def demo_notification_url(self) -> str:
        """Where the demo shop hears of changes: payment-service, unless another address is named."""
        return self.shop_notification_url or f"{self.payment_url}/payment/api/v1/callbacks/yookassa"

    @property
    def demo_stripe_notification_url(self) -> str:
        """Where the demo account at Stripe's face hears of changes: likewise."""
        return self.stripe_notification_url or f"{self.payment_url}/payment/api/v1/callbacks/stripe"

    def production_faults(self) -> list[str]:
        """Refuse production altogether: this payment system takes no real money."""
        return ["env"]
