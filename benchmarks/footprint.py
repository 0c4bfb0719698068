"""Memory and start time: the embedded house without its database servers, and each role as a process of its own."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.stage import THEATRE, Role, free_ports, open_stage, wait_ready

ROLES = [
    ("serve", "auth"),
    ("serve", "short_link"),
    ("serve", "notification"),
    ("serve", "sandbox"),
    ("serve", "payment"),
    ("serve", "billing"),
    ("serve", "web"),
    ("work", "billing"),
    ("work", "notification"),
]
MIB = 1024 * 1024
SETTLE_SECONDS = 2


async def main() -> None:
    """Measure and print the table."""
    drawn = Table(title="memory and start time")
    for column in ("what", "RSS MiB", "start to ready s"):
        drawn.add_column(column, justify="right" if column != "what" else "left")
    with tempfile.TemporaryDirectory(prefix="theatre-bench-") as home:
        for name in ("embedded house, cold", "embedded house, warm"):
            memory, seconds = await start_house(Path(home))
            drawn.add_row(name, f"{memory / MIB:.0f}", f"{seconds:.1f}")
    async with open_stage(ROLES) as stage:
        for role in stage.roles.values():
            drawn.add_row(role.name, f"{await settled_memory(role) / MIB:.0f}", "")
    Console().print(drawn)


async def start_house(home: Path) -> tuple[int, float]:
    """Start `theatre up`, wait until it is ready, stop it; give its memory in bytes and the seconds it took."""
    port = free_ports(1)[0]
    environ = {**os.environ, "THEATRE_HOME": str(home), "THEATRE_PORT": str(port)}
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *THEATRE, "up", env=environ, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await wait_ready(f"http://127.0.0.1:{port}/billing/api/_ready")
        return resident(process.pid), time.perf_counter() - started
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def settled_memory(role: Role) -> int:
    """Give the memory of a role once it has stopped growing, as a worker has no door to say that it is ready."""
    before = 0
    while (now := memory_of(role)) > before:
        before = now
        await asyncio.sleep(SETTLE_SECONDS)
    return now


def memory_of(role: Role) -> int:
    """Give the memory of a role with its child processes, in bytes."""
    return sum(resident(pid) for pid in (role.process.pid, *children(role.process.pid)))


def children(pid: int) -> list[int]:
    """List the direct children of a process."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def resident(pid: int) -> int:
    """Give the resident memory of a process, in bytes (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("memory is read from /proc, which only Linux has")
    asyncio.run(main())
