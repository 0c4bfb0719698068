"""What the storefront can be told."""

from collections.abc import Set
from typing import ClassVar

from pydantic import Field

from theatre.kit.settings import ServiceSettings


class WebSettings(ServiceSettings):
    """Settings of web. `service_secret` seals the tokens of its forms."""

    service: ClassVar[str] = "web"
    unused: ClassVar[Set[str]] = frozenset(
        {
            *("database_url", "database_pool_size", "database_kept_connections", "redis_url"),
            *("broker_url", "broker_exchange", "broker_queue_type", "token_issuer"),
        }
    )

    billing_url: str = Field("http://127.0.0.1:8000", description="billing, as this service reaches it")
    movies_url: str = Field("http://127.0.0.1:8000", description="movies, as this service reaches it")
    notification_url: str = Field(
        "http://127.0.0.1:8000", description="notification, as this service reaches it"
    )

    image_origins: str = Field(
        "",
        pattern=r"^(https://[a-z0-9.-]+(:[0-9]{1,5})?( |$))*$",
        description="from where else pages may show pictures of films: `https://…`, parted by spaces",
    )

    @property
    def image_origin_list(self) -> list[str]:
        """Where pictures may come from, besides our own address."""
        return self.image_origins.split()

    @property
    def is_secure(self) -> bool:
        """Whether people reach us over TLS."""
        return self.public_url.startswith("https://")
