"""What movies can be told."""

from pathlib import Path
from typing import ClassVar

from theatre.kit.settings import ServiceSettings


class MoviesSettings(ServiceSettings):
    """Settings of movies; with `demo_films`, `init movies` fills the catalogue with the films of the package.

    `index_folder` is where the search index lies: `work movies` writes it, every `serve movies` reads it.
    """

    service: ClassVar[str] = "movies"

    demo_films: bool = False
    index_folder: Path = Path(".theatre/movies-index")

    def production_faults(self) -> list[str]:
        """Add movies' own: a catalogue for show is not for viewers who pay."""
        faults = super().production_faults()
        if self.demo_films:
            faults.append("demo_films")
        return faults
