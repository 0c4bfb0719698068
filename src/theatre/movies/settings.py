"""What movies can be told."""

from typing import ClassVar

from theatre.kit.settings import ServiceSettings


class MoviesSettings(ServiceSettings):
    """Settings of movies; with `demo_films`, `init movies` fills the catalogue with the films of the package."""

    service: ClassVar[str] = "movies"

    demo_films: bool = False

    def production_faults(self) -> list[str]:
        """Add movies' own: a catalogue for show is not for viewers who pay."""
        faults = super().production_faults()
        if self.demo_films:
            faults.append("demo_films")
        return faults
