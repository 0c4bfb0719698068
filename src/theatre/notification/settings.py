"""What notification can be told."""

from collections.abc import Set
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator

from theatre.kit.settings import ServiceSettings
from theatre.kit.strength import Secret
from theatre.notification.addresses import read_address

DEFAULT_MAIL_FROM = "Online Theatre <no-reply@localhost>"


class NotificationSettings(ServiceSettings):
    """Settings of notification."""

    service: ClassVar[str] = "notification"
    unused: ClassVar[Set[str]] = frozenset({"redis_url"})

    # a relay may know us by our address; a password is often the mail service's own
    smtp_url: Annotated[SecretStr, Secret(min_characters=16, is_required=False)] = Field(
        SecretStr(""),
        validation_alias=AliasChoices("smtp_url", "SMTP_URL"),
        description="`smtp://user:password@host:port` or `smtps://…`; without it mail stays in a local mailbox",
    )
    mail_from: str = Field(DEFAULT_MAIL_FROM, description="sender of mails")

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if parts.geturl() and not (parts.scheme in {"smtp", "smtps"} and parts.hostname and parts.port != 0):
            raise ValueError("must be smtp://host:port or smtps://host:port")
        return value

    @field_validator("mail_from")
    @classmethod
    def _check_mail_from(cls, value: str) -> str:
        read_address(parseaddr(value)[1])
        return value

    @property
    def sender(self) -> Address:
        """Who writes the mails."""
        name, address = parseaddr(self.mail_from)
        return Address(name, addr_spec=address)

    @property
    def has_mailbox(self) -> bool:
        """Tell whether mail stays in the local mailbox, which everybody may read."""
        return self.env != "production" and not self.smtp_url.get_secret_value()

    def production_faults(self) -> list[str]:
        """Mail must leave, under a name of ours."""
        faults = super().production_faults()
        if not self.smtp_url.get_secret_value():
            faults.append("smtp_url")
        if self.mail_from == DEFAULT_MAIL_FROM:
            faults.append("mail_from")
        return faults
