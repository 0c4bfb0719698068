"""The demo catalogue: well-known films of the world, as data of the package. Facts are facts, descriptions our own."""

from datetime import datetime
from importlib.resources import files

from sqlalchemy import exists, select

from theatre.kit.db import Session
from theatre.movies import imports
from theatre.movies.imports import FilmLine, SheetKind
from theatre.movies.models import Film

CATALOGUE = files("theatre.movies") / "demo_films.csv"


def read_lines() -> list[FilmLine]:
    """Read the demo films.

    Raises:
        ValueError: the file is at fault.
    """
    sheet = imports.read_sheet(CATALOGUE.read_bytes(), SheetKind.CSV)
    if sheet.faults:
        raise ValueError(f"the demo catalogue is at fault: {sheet.faults[:3]}")
    return list(sheet.lines.values())


async def fill(session: Session, *, now: datetime) -> None:
    """Put the demo films into a catalogue that has none at all; one with films is left alone."""
    if await session.scalar(select(exists(select(Film.id)))):
        return
    lines = {
        number: line.model_copy(update={"is_published": True}) for number, line in enumerate(read_lines())
    }
    await imports.apply(session, lines, now=now)
