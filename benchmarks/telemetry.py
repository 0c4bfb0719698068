"""What traces cost: create payment with spans exported, with one trace in twenty, and without, in one run.

One worker process of billing each, on one database, loaded in turn. The processor time of that process per request is
what tells, for the machine is shared; the median of the rounds is given, and the ratio to the one without.
"""

import asyncio
import os
import statistics
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.load import Make, Measure, drive
from benchmarks.purchase import requests, shopper
from benchmarks.stage import Role, Stage, free_ports, open_stage

ROUNDS = 5
SECONDS = 3
CLIENTS = 16
EXPORT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:{port}"}
SAMPLED = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.05"}
WAYS = {"no export": {}, "every trace": EXPORT, "1 trace in 20": {**EXPORT, **SAMPLED}}


async def main() -> None:
    """Measure and print the table."""
    [port] = free_ports(1)
    receiver = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.telemetry.receiver", str(port), "--forget"
    )
    try:
        async with open_stage([("serve", "auth"), ("serve", "billing")]) as stage:
            token, price_id = await shopper(stage)
            make = requests(token, price_id)
            roles = {way: await start(stage, way, receiver_port=port) for way in WAYS}
            results: dict[str, list[tuple[Measure, float]]] = {way: [] for way in WAYS}
            for _ in track(range(ROUNDS), "measuring"):
                for way, role in roles.items():
                    results[way].append(await measure(role, make))
        Console().print(table(results))
    finally:
        receiver.terminate()
        await receiver.wait()


async def measure(role: Role, make: Make) -> tuple[Measure, float]:
    """Load a role; gives also the microseconds of processor time per request."""
    before = cpu_seconds(role.process.pid)
    measured = await drive(role.port, make, clients=CLIENTS, seconds=SECONDS, expected=201)
    spent = cpu_seconds(role.process.pid) - before
    return measured, spent * 1e6 / (measured.rate * SECONDS)


def cpu_seconds(pid: int) -> float:
    """Give the processor time that a process and its children have taken."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_seconds(int(child)) for child in children)


async def start(stage: Stage, way: str, *, receiver_port: int) -> Role:
    """Start one more billing that exports in its own way."""
    words = {name: value.format(port=receiver_port) for name, value in WAYS[way].items()}
    stage.environ |= words
    [stage.ports["billing"]] = free_ports(1)
    role = await stage.start("serve", "billing")
    stage.roles[way] = stage.roles.pop(role.name)
    for name in words:
        del stage.environ[name]
    return role


def table(results: dict[str, list[tuple[Measure, float]]]) -> Table:
    """Draw the medians."""
    drawn = Table(title=f"create payment, {CLIENTS} clients, one worker process")
    for column in ("traces", "CPU µs/req", "ratio", "HTTP req/s", "p50 ms", "p99 ms", "refused"):
        drawn.add_column(column, justify="right")
    base = statistics.median(cpu for _, cpu in results["no export"])
    for way, rounds in results.items():
        cpu = statistics.median(cpu for _, cpu in rounds)
        drawn.add_row(
            way,
            f"{cpu:,.0f}",
            f"{cpu / base:.2f}",
            f"{statistics.median(measured.rate for measured, _ in rounds):,.0f}",
            f"{statistics.median(measured.p50_ms for measured, _ in rounds):.1f}",
            f"{statistics.median(measured.p99_ms for measured, _ in rounds):.1f}",
            str(sum(measured.refused for measured, _ in rounds)),
        )
    return drawn


if __name__ == "__main__":
    asyncio.run(main())
