"""What auth can be told."""

from ipaddress import IPv4Network, IPv6Network
from typing import ClassVar, Self

from pydantic import Field, SecretStr, model_validator

from theatre.kit.settings import MIN_SECRET_CHARACTERS, ServiceSettings


class AuthSettings(ServiceSettings):
    """Settings of auth.

    `signing_key` is an Ed25519 private key: PEM, or its 32 bytes in base64; `further_public_keys` are others
    whose tokens still hold (PEM, or 32 bytes in base64), for a change of key. Outside production, without
    `signing_key` and `refresh_secret`, each process makes its own and sessions end with it. `service_clients`
    are the names and secrets of our services. `trusted_proxies` are those whose X-Forwarded-For is believed.
    """

    service: ClassVar[str] = "auth"

    signing_key: SecretStr = SecretStr("")
    further_public_keys: list[str] = []
    refresh_secret: SecretStr = SecretStr("")
    service_clients: dict[str, SecretStr] = {}
    access_ttl_seconds: int = Field(900, ge=5, le=900)
    refresh_ttl_seconds: int = Field(30 * 24 * 3600, ge=60)

    password_time_cost: int = Field(2, ge=2, le=20)
    password_memory_kib: int = Field(19 * 1024, ge=19 * 1024, le=1024 * 1024)
    password_queue: int = Field(128, ge=1, description="how many may wait for the two threads that hash")

    login_rate: str = "30/minute"
    register_rate: str = "30/minute"
    trusted_proxies: list[IPv4Network | IPv6Network] = []

    superuser_login: str = ""
    superuser_email: str = ""
    superuser_password: SecretStr = SecretStr("")
    demo_users: bool = False

    @model_validator(mode="after")
    def _check_superuser(self) -> Self:
        given = (self.superuser_login, self.superuser_email, self.superuser_password.get_secret_value())
        if any(given) and not all(given):
            raise ValueError("superuser_login, superuser_email and superuser_password come together")
        return self

    def production_faults(self) -> list[str]:
        """Add auth's own: keys must be given, secrets long, demo logins absent."""
        faults = super().production_faults()
        secrets = [client.get_secret_value() for client in self.service_clients.values()]
        if not self.signing_key.get_secret_value():
            faults.append("signing_key")
        if len(self.refresh_secret.get_secret_value()) < MIN_SECRET_CHARACTERS:
            faults.append("refresh_secret")
        if not secrets or min(map(len, secrets)) < MIN_SECRET_CHARACTERS:
            faults.append("service_clients")
        if self.demo_users:
            faults.append("demo_users")
        return faults
