"""The commands of the catalogue: build the search index anew, check it against the tables, fill a house with films.

They need the database and the folder of the index alone, whether the house runs or not.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from rich.console import Console
from rich.progress import Progress

from theatre.embedded.furniture import complete
from theatre.embedded.servers import reached
from theatre.embedded.settings import HouseSettings
from theatre.kit.clock import SystemClock
from theatre.kit.db import Engine, open_own_engine, sessions_of
from theatre.kit.settings import ServiceSettings
from theatre.movies import faker, indexing
from theatre.movies.app import open_index
from theatre.movies.search import SearchIndex
from theatre.movies.settings import MoviesSettings

SHOWN = 5


@dataclass(frozen=True)
class Library:
    """What the commands work with."""

    engine: Engine
    index: SearchIndex
    bar: Progress
    console: Console

    async def rebuild(self) -> None:
        """Build the index anew, beside the one in use."""
        task = self.bar.add_task("index", total=None)

        def say(count: int) -> None:
            self.bar.update(task, description=f"index: {count:,} films and people")

        count = await indexing.rebuild(sessions_of(self.engine), self.index, now=SystemClock().now, say=say)
        self.bar.remove_task(task)
        self.console.print(f"the index knows {count:,} films and people")

    async def check(self) -> bool:
        """Compare index and tables, and print how they differ; True if they do not."""
        found = await indexing.compare(sessions_of(self.engine), self.index, now=SystemClock().now)
        faults = {"missing": found.missing, "outdated": found.outdated, "surplus": found.surplus}
        self.console.print(
            f"{found.same:,} entries are the same, {found.pending:,} changes are still to be learnt"
        )
        for name, keys in faults.items():
            if keys:
                shown = ", ".join(keys[:SHOWN])
                self.console.print(f"NO  {len(keys):,} {name}, as {shown}")
        return found.is_sound

    async def fill(self, films: int, seed: int) -> None:
        """Put generated films into the tables, then build the index."""
        task = self.bar.add_task(f"{films:,} films", total=films)
        made = await faker.fill(
            self.engine, films, seed=seed, say=lambda count: self.bar.update(task, completed=count)
        )
        self.bar.remove_task(task)
        self.console.print(
            f"{made.films:,} films, {made.persons:,} people and {made.credits:,} credits are made"
        )
        await self.rebuild()


@asynccontextmanager
async def open_library(
    settings: ServiceSettings, *, bar: Progress, console: Console
) -> AsyncIterator[Library]:
    """Open the database that is named, or the house's own, and the index."""
    house = HouseSettings()
    # `cli` reads the settings of the service that it names
    named = complete(cast(MoviesSettings, settings), {"index_folder": house.index_folder})
    async with reached(house, named) as movies, open_index(movies) as index:
        engine = open_own_engine(movies)
        try:
            yield Library(engine, index, bar, console)
        finally:
            await engine.dispose()


async def index(settings: ServiceSettings, *, is_checked: bool, bar: Progress, console: Console) -> bool:
    """Build the index anew, or only compare it with the tables; True unless they differ."""
    async with open_library(settings, bar=bar, console=console) as library:
        if is_checked:
            return await library.check()
        await library.rebuild()
        return True


async def fill(settings: ServiceSettings, films: int, seed: int, *, bar: Progress, console: Console) -> None:
    """Make up films, and index them."""
    async with open_library(settings, bar=bar, console=console) as library:
        await library.fill(films, seed)
