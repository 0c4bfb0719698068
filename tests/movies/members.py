"""The members of the search port: the embedded one, and a cluster if `THEATRE_TEST_SEARCH_URL` names one."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from theatre.movies.search.opensearch import ClusterIndex
from theatre.movies.search.wire import Wire
from theatre.movies.settings import MoviesSettings

SEARCH_URL = os.environ.get("THEATRE_TEST_SEARCH_URL", "")
MEMBERS = ["embedded", *(["cluster"] if SEARCH_URL else [])]


@asynccontextmanager
async def choosing(member: str, folder: Path, settings: MoviesSettings) -> AsyncIterator[MoviesSettings]:
    """Complete settings so that they choose a member, which knows nothing yet; nothing of it stays."""
    if member == "embedded":
        yield settings.model_copy(update={"index_folder": folder})
        return
    prefix = f"test-{uuid4().hex[:12]}"
    yield settings.model_copy(update={"search_url": SEARCH_URL, "search_index": prefix})
    index = ClusterIndex(Wire(SEARCH_URL), prefix)
    for name in await index.generations():
        await index._wire.ask("DELETE", f"/{name}", seconds=30)
    await index.close()
