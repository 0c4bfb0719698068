"""What movies can be told."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from theatre.kit.settings import MIN_SECRET_CHARACTERS, ServiceSettings


class MoviesSettings(ServiceSettings):
    """Settings of movies; with `demo_films`, `init movies` fills the catalogue with the films of the package.

    `index_folder` is where the search index lies: `work movies` writes it, every `serve movies` reads it.
    """

    service: ClassVar[str] = "movies"

    demo_films: bool = False
    index_folder: Path = Path(".theatre/movies-index")
    billing_url: str = "http://127.0.0.1:8000"
    stream_secret: SecretStr = SecretStr("")
    ticket_seconds: int = Field(
        4 * 3600,
        ge=60,
        description="how long the address of a stream is good: a long film must end in that time",
    )

    def production_faults(self) -> list[str]:
        """Add movies' own: a catalogue for show is not for viewers who pay, and no one else may write tickets."""
        faults = super().production_faults()
        if self.demo_films:
            faults.append("demo_films")
        if len(self.stream_secret.get_secret_value()) < MIN_SECRET_CHARACTERS:
            faults.append("stream_secret")
        return faults
