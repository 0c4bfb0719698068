"""A door against its yardstick: both under the same number of clients, in turn, the median of each."""

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence

from rich.progress import track
from rich.table import Table

from benchmarks.load import Measure

CLIENTS = (1, 16, 64)
ROUNDS = 3
SECONDS = 3

Results = Mapping[int, Sequence[tuple[float, Measure]]]
"""By number of clients: for each round the yardstick's rate per second and the door's measure."""


async def compare(
    yardstick: Callable[[int], Awaitable[float]], door: Callable[[int], Awaitable[Measure]]
) -> Results:
    """Measure both in turn, so that what else the machine does falls on both; each takes a number of clients."""
    results: dict[int, list[tuple[float, Measure]]] = {clients: [] for clients in CLIENTS}
    for clients in track(CLIENTS * ROUNDS, "measuring"):
        rate = await yardstick(clients)
        results[clients].append((rate, await door(clients)))
    return results


def table(title: str, yardstick: str, results: Results) -> Table:
    """Draw the medians."""
    drawn = Table(title=title)
    for column in ("clients", yardstick, "HTTP req/s", "ratio", "p50 ms", "p99 ms", "refused"):
        drawn.add_column(column, justify="right")
    for clients, rounds in results.items():
        base = statistics.median(rate for rate, _ in rounds)
        rate = statistics.median(measure.rate for _, measure in rounds)
        drawn.add_row(
            str(clients),
            f"{base:,.0f}",
            f"{rate:,.0f}",
            f"{rate / base:.2f}",
            f"{statistics.median(measure.p50_ms for _, measure in rounds):.1f}",
            f"{statistics.median(measure.p99_ms for _, measure in rounds):.1f}",
            str(sum(measure.refused for _, measure in rounds)),
        )
    return drawn
