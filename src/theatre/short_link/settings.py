"""What short_link can be told."""

from typing import Annotated, ClassVar

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from theatre.kit.settings import ServiceSettings


class ShortLinkSettings(ServiceSettings):
    """`allowed_hosts` lists where links may lead, with commas between.

    A bare host (`yoomoney.ru`) is meant with https on its usual port; another port or http is allowed only by
    writing the whole origin (`http://127.0.0.1:9000`). The origin of `public_url` is always allowed.
    """

    service: ClassVar[str] = "short_link"

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ("yoomoney.ru",)
    default_ttl_seconds: int = Field(86_400, ge=1, le=31_536_000)

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    def production_faults(self) -> list[str]:
        """Plain http is for development."""
        is_plain = any(host.startswith("http://") for host in self.allowed_hosts)
        return super().production_faults() + (["allowed_hosts"] if is_plain else [])
