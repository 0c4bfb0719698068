"""What the embedded house can be told: `THEATRE_…` variables."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from theatre.kit.settings import ServiceSettings


class HouseSettings(ServiceSettings):
    """Settings of `theatre up`; what is named here for all services is handed down to them."""

    service: ClassVar[str] = "theatre"

    home: Path = Field(Path(".theatre"), description="folder of the house's data")
    host: str = Field("127.0.0.1", description="address to listen on, also of `theatre serve`")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on, also of `theatre serve`")
    log_format: Literal["json", "text"] = Field("text", description="form of log lines")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="what is worth a log line"
    )

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
