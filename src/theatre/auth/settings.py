"""What auth can be told."""

from collections.abc import Set
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, ClassVar, Self

from pydantic import Field, SecretStr, model_validator

from theatre.kit.settings import ServiceSettings
from theatre.kit.strength import Secret


class AuthSettings(ServiceSettings):
    """Settings of auth.

    Outside production, without `signing_key` and `refresh_secret`, each process makes its own and sessions end with it.
    """

    service: ClassVar[str] = "auth"
    unused: ClassVar[Set[str]] = frozenset({"service_secret", "auth_url"})

    signing_key: SecretStr = Field(
        SecretStr(""),
        description="Ed25519 private key that signs access tokens: PEM, or its 32 bytes in base64",
    )
    further_public_keys: list[str] = Field(
        [],
        description="other public keys whose tokens hold, for a change of key: PEM, or 32 bytes in base64",
    )
    refresh_secret: SecretStr = Field(
        SecretStr(""), description="makes refresh tokens and links by mail; with another one all of them end"
    )
    service_clients: dict[str, SecretStr] = Field(
        {}, description="by service, its `service_secret`; who is not named here cannot call others"
    )
    access_ttl_seconds: int = Field(900, ge=5, le=900, description="how long an access token holds")
    refresh_ttl_seconds: int = Field(30 * 24 * 3600, ge=60, description="how long an unused session lasts")

    password_time_cost: int = Field(2, ge=2, le=20, description="passes of argon2id")
    password_memory_kib: int = Field(
        19 * 1024,
        ge=19 * 1024,
        le=1024 * 1024,
        description="memory of one hash, of which two are made at once",
    )
    password_queue: int = Field(128, ge=1, description="how many may wait for the two threads that hash")

    login_rate: str = Field("30/minute", description="tries to log in of one address")
    register_rate: str = Field("30/minute", description="registrations of one address")
    link_rate: str = Field("10/minute", description="links by mail that one address may ask for")
    link_email_rate: str = Field("5/hour", description="links by mail to one e-mail address")
    link_use_rate: str = Field("30/minute", description="tries of one address to use a link")
    verify_ttl_seconds: int = Field(
        24 * 3600,
        ge=300,
        le=7 * 24 * 3600,
        description="how long a link holds that verifies an e-mail address",
    )
    reset_ttl_seconds: int = Field(
        1800, ge=60, le=1800, description="how long a link holds that sets a new password"
    )
    trusted_proxies: list[IPv4Network | IPv6Network] = Field(
        [], description="whose `X-Forwarded-For` is believed, as a JSON list of networks"
    )

    superuser_login: str = Field("", description="first superuser, made by `init auth`")
    superuser_email: str = Field("", description="its address")
    superuser_password: Annotated[SecretStr, Secret(min_characters=12, is_required=False)] = Field(
        SecretStr(""), description="its password until it is changed"
    )
    demo_users: bool = Field(False, description="make `admin` and `viewer`, whose passwords are their names")

    @model_validator(mode="after")
    def _check_superuser(self) -> Self:
        given = (self.superuser_login, self.superuser_email, self.superuser_password.get_secret_value())
        if any(given) and not all(given):
            raise ValueError("superuser_login, superuser_email and superuser_password come together")
        return self

    def production_faults(self) -> list[str]:
        """Add auth's own: no demo logins."""
        return super().production_faults() + (["demo_users"] if self.demo_users else [])
