"""An embedded house of a test's own: `theatre up` as a real process with its own home and port."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.flows.programs import THEATRE, Program, until, until_ready
from tests.rabbitmq import free_ports
from tests.services import temporary_folder


class House(Program):
    """The house; its data outlives its process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {"THEATRE_HOME": str(home), "THEATRE_PORT": str(self.port), "COLUMNS": "200"}
        super().__init__([*THEATRE, "up"], environment, home.with_suffix(".log"))

    async def open(self, *options: str, **further: str) -> None:
        """Start it, with further options and variables, and wait until it is ready."""
        self.command = [*THEATRE, "up", *options]
        self.start(**further)
        await until_ready(f"{self.url}/web/api/_ready", self)

    def servers(self) -> list[str]:
        """List the processes that keep this house's data, by their command lines."""
        return [line for line in map(command_line, os.listdir("/proc")) if str(self.home) in line]

    async def until_servers_are_gone(self) -> None:
        """Wait until no process keeps the data any more."""

        async def are_gone() -> bool:
            return not self.servers()

        await until(are_gone, seconds=10, otherwise=lambda: str(self.servers()))


def command_line(pid: str) -> str:
    """Give the words a process was started with; nothing if there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


@asynccontextmanager
async def own_house() -> AsyncIterator[House]:
    """Make a house that is not open yet, and leave nothing of it at the end."""
    with temporary_folder() as folder:
        house = House(folder / "home")
        try:
            yield house
        finally:
            if house.is_running:
                await house.stop()


async def demo(url: str) -> None:
    """Run `theatre demo` against a server; fail with its words if it does."""
    command = [*THEATRE, "demo", "--url", url]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
