"""Real processes of the product: started with a bare environment, stopped, killed, asked for an answer."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import httpx

from theatre.kit.servers import children

THEATRE = (sys.executable, "-m", "theatre")
START_SECONDS = 60.0
STOP_SECONDS = 15.0
LAST_LINES = 12
PAUSE_SECONDS = 0.05


class Program:
    """One command line, run as often as a test starts it; it dies with the tests."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.command = command
        self.environment = environment
        self.log = log
        self.process: children.Process | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def start(self, **further: str) -> None:
        """Start it, with further variables in its environment."""
        words = [f"{name}={value}" for name, value in {**self.environment, **further}.items()]
        command = ["/usr/bin/env", *words, *self.command]
        self.process = children.spawn(command, account=None, log=self.log, death_signal=signal.SIGTERM)

    def kill(self) -> None:
        """End it, and all that it started as a part of itself, without a chance to say anything."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def freeze(self) -> None:
        """Let it stand still, with all that it started, until `thaw`."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGCONT)

    async def stop(self) -> int:
        """Ask it to end, wait for it and give its exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        await until(self.has_ended, seconds=STOP_SECONDS, otherwise=self.last_words)
        return self.process.returncode

    async def finish(self, seconds: float = START_SECONDS) -> int:
        """Wait for its own end and give its exit status."""
        await until(self.has_ended, seconds=seconds, otherwise=self.last_words)
        return -1 if self.process is None else self.process.returncode

    async def has_ended(self) -> bool:
        """Tell whether the process is gone."""
        return not self.is_running

    def said(self) -> str:
        """Give what it wrote."""
        return self.log.read_text(errors="replace")

    def last_words(self) -> str:
        """Give its command and the last that it wrote, for whoever waits for its end in vain."""
        return "\n".join([" ".join(map(str, self.command)), *self.said().splitlines()[-LAST_LINES:]])


async def until(
    is_so: Callable[[], Awaitable[bool]],
    *,
    seconds: float = START_SECONDS,
    otherwise: Callable[[], str] = str,
) -> None:
    """Wait for a condition; fail with the words of `otherwise`."""
    deadline = time.monotonic() + seconds
    while not await is_so():
        assert time.monotonic() < deadline, f"not within {seconds} s: {otherwise()}"
        await asyncio.sleep(PAUSE_SECONDS)


async def until_ready(url: str, program: Program) -> None:
    """Wait until an address answers 200."""

    async def is_ready() -> bool:
        assert program.is_running, program.said()
        return await status_of(url) == httpx.codes.OK

    await until(is_ready, otherwise=program.said)


async def status_of(url: str) -> int | None:
    """Give the status that an address answers with; None if nobody answers."""
    async with httpx.AsyncClient(timeout=10) as client:
        try:
            return (await client.get(url)).status_code
        except httpx.TransportError:
            return None
