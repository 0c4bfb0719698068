"""What the reads of movies cost, as a ratio to a bare endpoint of the same process in the same run.

It fills a database of its own, starts `serve movies` with one worker process and with two, and asks for each kind of
thing: new each time (no answer is remembered, nor, of films by id, the film), and the same ones again. The bare
endpoint is measured before each of them. The processor time per request tells more where a machine is shared.

python -m benchmarks.movies [--films 20000 200000] [--seconds 3]
"""

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.load import Make, Measure, drive, send_all
from benchmarks.movie_questions import (
    BARE,
    Catalogue,
    Kind,
    get,
    kinds_of,
    make_again,
    make_new,
    mix_of,
    read_catalogue,
)
from benchmarks.stage import THEATRE, Role, Stage, free_ports, open_stage
from benchmarks.telemetry import cpu_seconds

FILMS = (20_000, 200_000)
WORKERS = (1, 2)
CLIENTS = (50, 1)
SECONDS = 3.0
BARE_SHARE = 1 / 3
ROUNDS = 3
WARMERS = 10
MB = 1_000_000
WIDTH = 130
MIXED = "search, mix by Zipf"
FILM = "film by id"
# of the issue: the least share of the bare rate, the most milliseconds, the most growth
LEAST = {(FILM, "again"): 0.6, (MIXED, "again"): 0.35}
MOST_P99_MS = 25
MOST_GROWTH = 2.0


@dataclass(frozen=True)
class Sight:
    """One load: what came of it, processor microseconds per request, and the load generator's share of a core."""

    measure: Measure
    cpu_us: float
    driver: float


@dataclass(frozen=True)
class Row:
    """A kind of question, new or again, beside the bare endpoint."""

    name: str
    way: str
    bare: Sight
    own: Sight

    @property
    def ratio(self) -> float:
        return self.own.measure.rate / self.bare.measure.rate

    @property
    def cpu_ratio(self) -> float:
        return self.bare.cpu_us / self.own.cpu_us


async def main(films: list[int], seconds: float) -> None:
    """Measure and print the tables."""
    console = Console(width=WIDTH)
    p99: dict[tuple[int, int], float] = {}
    async with open_stage([], MOVIES_STREAM_SECRET="benchmark" * 4) as stage:
        stage.environ["MOVIES_INDEX_FOLDER"] = str(stage.home / "movies-index")
        await stage.theatre("init", "movies")
        made = 0
        for seed, number in enumerate(sorted(films)):
            await stage.theatre("faker", "--films", str(number - made), "--seed", str(seed))
            made = number
            await show_index(stage, console, number)
            catalogue = await read_catalogue(stage.servers.postgres_url)
            for workers in WORKERS:
                rows = await measure_all(stage, catalogue, workers=workers, seconds=seconds)
                for clients in CLIENTS:
                    console.print(table(rows[clients], number, workers=workers, clients=clients))
                p99[number, workers] = p99_of(rows[CLIENTS[0]])
    show_growth(console, p99)


async def show_index(stage: Stage, console: Console, films: int) -> None:
    """Build the index anew, alone, and say how long it takes and how large it is."""
    started = time.perf_counter()
    await stage.theatre("index")
    took = time.perf_counter() - started
    size = size_of(Path(stage.environ["MOVIES_INDEX_FOLDER"]))
    console.print(
        f"index of {films:,} films: built in {took:.1f} s (start of the program included), {size / MB:.0f} MB"
    )


def size_of(folder: Path) -> int:
    """Give the bytes of a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def measure_all(
    stage: Stage, catalogue: Catalogue, *, workers: int, seconds: float
) -> dict[int, list[Row]]:
    """Start the service and load it in every way, by number of clients."""
    [port] = free_ports(1)
    words = [*THEATRE, "serve", "movies", "--port", str(port), "--workers", str(workers)]
    role = await stage.launch("serve movies", words, port=port, ready="/movies/api/_ready")
    kinds = kinds_of(catalogue)
    try:
        await warm(role, kinds)
        return {
            clients: await measure_kinds(role, kinds, clients=clients, seconds=seconds) for clients in CLIENTS
        }
    finally:
        console_memory(role, workers)
        role.process.terminate()
        await role.process.wait()


async def measure_kinds(role: Role, kinds: list[Kind], *, clients: int, seconds: float) -> list[Row]:
    """Load a service with each kind of question, the new ones first."""
    asked, weights = mix_of(kinds)
    await warm(role, kinds[1:])
    loads: list[tuple[str, str, Make]] = []
    for kind in kinds:
        loads.append((kind.name, "new", make_new(kind)))
        loads.append((kind.name, "again", make_again(kind.again)))
    loads.append((MIXED, "again", make_again(asked, weights)))
    rows = []
    for name, way, make in track(loads, f"{clients} connection(s)"):
        if name == MIXED:
            # the many new questions have crowded them out
            await warm(role, kinds[1:])
        bare = await look(role, lambda: get(BARE), clients=clients, seconds=seconds * BARE_SHARE)
        rows.append(Row(name, way, bare, await look(role, make, clients=clients, seconds=seconds)))
    return rows


async def warm(role: Role, kinds: list[Kind]) -> None:
    """Ask everything once that is to be asked again; several times, for there may be several processes."""
    requests = [get(path) for kind in kinds for path in kind.again]
    await send_all(role.port, track(requests * ROUNDS, "warming up"), clients=WARMERS)


async def look(role: Role, make: Make, *, clients: int, seconds: float) -> Sight:
    """Load a service, and see what it costs it and us."""
    before, own, started = cpu_seconds(role.process.pid), time.process_time(), time.perf_counter()
    measure = await drive(role.port, make, clients=clients, seconds=seconds, expected=200)
    spent, driver = cpu_seconds(role.process.pid) - before, time.process_time() - own
    # the last answers come later than that
    elapsed = time.perf_counter() - started
    return Sight(measure, spent * 1e6 / max(measure.rate * elapsed, 1), driver / elapsed)


def console_memory(role: Role, workers: int) -> None:
    """Say how much memory the serving processes hold."""
    sizes = [resident(pid) for pid in [role.process.pid, *children(role.process.pid)]]
    shown = " + ".join(f"{size / MB:.0f}" for size in sizes)
    Console(width=WIDTH).print(f"memory of the keeper and of {workers} worker process(es): {shown} MB")


def children(pid: int) -> list[int]:
    """List the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def resident(pid: int) -> int:
    """Give the bytes of memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def p99_of(rows: list[Row]) -> float:
    """Give the p99 of what many viewers search for."""
    return next(row.own.measure.p99_ms for row in rows if row.name == MIXED)


def table(rows: list[Row], films: int, *, workers: int, clients: int) -> Table:
    """Draw what was measured; what has an aim is marked by whether it is reached."""
    bare = statistics.median(row.bare.measure.rate for row in rows)
    drawn = Table(
        title=f"{films:,} films, {workers} worker process(es), {clients} connection(s)",
        caption=f"bare endpoint {bare:,.0f} req/s in the median; `driver` is the load generator's share of a core: "
        "near 1 it is what bounds the rate, and what it takes of the machine the service does not have",
    )
    for column in (
        "what",
        "",
        "req/s",
        "of bare",
        "CPU µs",
        "of bare",
        "p50 ms",
        "p99 ms",
        "driver",
        "refused",
    ):
        drawn.add_column(column, justify="left" if column in {"what", ""} else "right")
    for row in rows:
        own = row.own.measure
        drawn.add_row(
            *(row.name, row.way, f"{own.rate:,.0f}", f"{row.ratio:.1%}{aim(row, clients)}"),
            *(f"{row.own.cpu_us:,.0f}", f"{row.cpu_ratio:.1%}", f"{own.p50_ms:.1f}", f"{own.p99_ms:.1f}"),
            *(f"{row.own.driver:.2f}", str(own.refused)),
        )
    return drawn


def aim(row: Row, clients: int) -> str:
    """Say whether the aim of a row is reached, if it has one."""
    least = LEAST.get((row.name, row.way))
    if least is None or clients == 1:
        return ""
    is_fast = row.name != MIXED or row.own.measure.p99_ms <= MOST_P99_MS
    return " ✓" if row.ratio >= least and is_fast else f" (aim {least:.0%})"


def show_growth(console: Console, p99: dict[tuple[int, int], float]) -> None:
    """Say how the p99 of searches grows with the catalogue."""
    for workers in WORKERS:
        sizes = sorted(films for films, of_workers in p99 if of_workers == workers)
        if len(sizes) > 1:
            first, last = p99[sizes[0], workers], p99[sizes[-1], workers]
            console.print(
                f"p99 of the mix, {workers} worker process(es): {first:.1f} ms with {sizes[0]:,} films, "
                f"{last:.1f} ms with {sizes[-1]:,}: x{last / first:.1f} (aim x{MOST_GROWTH:.0f})"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, nargs="+", default=list(FILMS), help="sizes of the catalogue")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each load lasts")
    arguments = parser.parse_args()
    uvloop.run(main(arguments.films, arguments.seconds))
