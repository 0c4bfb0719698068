"""What the embedded house can be told: `THEATRE_…` variables."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from theatre.kit.settings import ServiceSettings


class HouseSettings(ServiceSettings):
    """Settings of `theatre up`; what is named here for all services is handed down to them."""

    service: ClassVar[str] = "theatre"

    home: Path = Path(".theatre")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    log_format: Literal["json", "text"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "warning"

    @property
    def address(self) -> str:
        """Where the house's services reach each other."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def site(self) -> str:
        """Where people reach the house."""
        return (self.public_url if "public_url" in self.model_fields_set else self.address).rstrip("/")

    @property
    def index_folder(self) -> Path:
        """Where the house keeps its search index."""
        return self.home / "movies-index"

    @property
    def secrets_file(self) -> Path:
        """Where the house keeps its secrets."""
        return self.home / "secrets.json"

    def production_faults(self) -> list[str]:
        """Refuse production altogether: the house brings the sandbox, demo data and the embedded broker."""
        return ["env"]
