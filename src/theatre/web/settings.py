"""What the storefront can be told."""

from typing import ClassVar

from theatre.kit.settings import ServiceSettings


class WebSettings(ServiceSettings):
    """Settings of web. `service_secret` seals the tokens of its forms."""

    service: ClassVar[str] = "web"

    billing_url: str = "http://127.0.0.1:8000"

    @property
    def is_secure(self) -> bool:
        """Whether people reach us over TLS."""
        return self.public_url.startswith("https://")
