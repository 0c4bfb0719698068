"""What movies can be told."""

from collections.abc import Set
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from theatre.kit.settings import ServiceSettings
from theatre.kit.strength import Secret


class MoviesSettings(ServiceSettings):
    """Settings of movies."""

    service: ClassVar[str] = "movies"
    unused: ClassVar[Set[str]] = frozenset({"redis_url"})

    demo_films: bool = Field(
        False, description="`init movies` fills an empty catalogue with the films of the package"
    )
    index_folder: Path = Field(
        Path(".theatre/movies-index"),
        description="folder of the search index: `work movies` writes it, every `serve movies` reads it",
    )
    search_url: Annotated[str, Secret(is_required=False)] = Field(
        "",
        description="OpenSearch or Elasticsearch that searches instead of the folder, as"
        " `https://user:password@host:9200`; the folder if empty",
    )
    search_index: str = Field(
        "theatre-movies",
        pattern=r"^[a-z][a-z0-9-]{0,60}$",
        description="what the names of its indices begin with there; another one for each house",
    )
    cache_megabytes: int = Field(
        128, ge=0, description="memory of each process for films and answers that it need not read again"
    )
    billing_url: str = Field("http://127.0.0.1:8000", description="billing, as this service reaches it")
    stream_secret: SecretStr = Field(SecretStr(""), description="signs the addresses of streams")
    ticket_seconds: int = Field(
        4 * 3600,
        ge=60,
        description="how long the address of a stream is good: a long film must end in that time",
    )

    def production_faults(self) -> list[str]:
        """Add movies' own: a catalogue for show is not for viewers who pay."""
        return super().production_faults() + (["demo_films"] if self.demo_films else [])
