"""What short_link can be told."""

from collections.abc import Set
from typing import Annotated, ClassVar

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from theatre.kit.settings import ServiceSettings


class ShortLinkSettings(ServiceSettings):
    """Settings of short_link. The origin of `public_url` is always allowed."""

    service: ClassVar[str] = "short_link"
    unused: ClassVar[Set[str]] = frozenset(
        {"redis_url", "broker_url", "broker_exchange", "broker_queue_type"}
    )

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("yoomoney.ru",),
        description="where links may lead besides `public_url`, with commas between: a bare host is meant with https "
        "on its usual port, anything else is a whole origin (`http://127.0.0.1:9000`)",
    )
    default_ttl_seconds: int = Field(
        86_400, ge=1, le=31_536_000, description="how long a link lives if nothing else is asked for"
    )

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    def production_faults(self) -> list[str]:
        """Plain http is for development."""
        is_plain = any(host.startswith("http://") for host in self.allowed_hosts)
        return super().production_faults() + (["allowed_hosts"] if is_plain else [])
