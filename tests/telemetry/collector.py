"""The receiver of traces as a process that tests start, ask and stop."""

import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.flows.programs import Program, until, until_ready
from tests.rabbitmq import free_ports

RECEIVER = Path(__file__).with_name("receiver.py")
Spans = list[dict[str, Any]]


class Collector:
    """A running receiver."""

    def __init__(self, url: str) -> None:
        self.url = url
        # spans wait at most this long in the process that made them
        self.environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "200"}

    async def spans(self) -> Spans:
        """Give every span that arrived."""
        async with httpx.AsyncClient(base_url=self.url) as client:
            spans: Spans = (await client.get("/spans")).json()
            return spans

    async def trace_with(self, named: Iterable[tuple[str, str]]) -> Spans:
        """Wait for a trace that holds all these (service, span name), and give its spans."""
        wanted = set(named)
        best: set[tuple[str, str]] = set()
        found: Spans = []

        async def has_arrived() -> bool:
            spans = await self.spans()
            for trace in {span["trace"] for span in spans}:
                of_trace = [span for span in spans if span["trace"] == trace]
                held = {(span["service"], span["name"]) for span in of_trace}
                if len(held & wanted) > len(best & wanted):
                    best.clear()
                    best.update(held)
                    found[:] = of_trace
            return wanted <= best

        await until(has_arrived, seconds=20, otherwise=lambda: f"missing {wanted - best}; best has {best}")
        return found


@asynccontextmanager
async def running_collector(folder: Path) -> AsyncIterator[Collector]:
    """Start a receiver, and stop it at the end."""
    [port] = free_ports(1)
    program = Program([sys.executable, str(RECEIVER), str(port)], {}, folder / "receiver.log")
    collector = Collector(f"http://127.0.0.1:{port}")
    program.start()
    try:
        await until_ready(f"{collector.url}/spans", program)
        yield collector
    finally:
        await program.stop()
