"""A private RabbitMQ for one run of the tests, where the machine has the program but no running server."""

import asyncio
import os
import random
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from theatre.kit.servers import children

START_SECONDS = 60
GREETING = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"
ANSWER_SECONDS = 5
PORTS = range(20_000, 32_000)
FAREWELL = ((signal.SIGTERM, 15.0),)
# the distribution's /usr/sbin/rabbitmq-server insists on its own user and folders
PROGRAMS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")


class RabbitmqError(Exception):
    """No RabbitMQ can be had here."""


class Node:
    """A server with all that it keeps in `folder` and on ports of its own; its data outlives its process.

    Raises:
        RabbitmqError: the program is not installed.
    """

    def __init__(self, folder: Path) -> None:
        program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
        epmd = shutil.which("epmd")
        if program is None or epmd is None:
            raise RabbitmqError("rabbitmq-server is not installed: ./run_tests.sh --install")
        self._port, distribution_port, names_port = free_ports(3)
        self._home = folder / "rabbitmq"
        self._log = folder / "rabbitmq.log"
        environment = settings(self._home, self._port, distribution_port, names_port)
        self._words = ["/usr/bin/env", *(f"{name}={value}" for name, value in environment.items())]
        self._program = Path(program)
        # the name server would stay behind if the broker started it
        self._names = spawn([epmd, "-port", str(names_port)], self._log)
        self._broker: children.Process | None = None
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}/"

    async def start(self) -> None:
        """Start it and wait until it takes connections.

        Raises:
            RabbitmqError: it did not start.
        """
        self._broker = spawn([*self._words, self._program], self._log)
        if not await answers(self._port, self._broker):
            raise RabbitmqError(f"RabbitMQ did not start: {children.tail(self._log)}")

    def kill(self) -> None:
        """End it without a chance to write anything."""
        if self._broker is not None:
            self._broker.kill()
            self._broker.wait()

    def wipe(self) -> None:
        """Delete all that it kept; it must not be running."""
        shutil.rmtree(self._home / "data")

    async def control(self, *words: str) -> None:
        """Run `rabbitmqctl` on it."""
        program = self._program.with_name("rabbitmqctl")
        await children.run([*self._words, program, *words], account=None, log=self._log)

    async def stop(self) -> None:
        """End it and its name server."""
        for process in (self._broker, self._names):
            if process is not None:
                await children.stop(process, FAREWELL)


@asynccontextmanager
async def running_rabbitmq(folder: Path) -> AsyncIterator[str]:
    """Start a server and give its address.

    Raises:
        RabbitmqError: the program is not installed, or did not start.
    """
    node = Node(folder)
    try:
        await node.start()
        yield node.url
    finally:
        await node.stop()


def spawn(command: children.Command, log: Path) -> children.Process:
    """Start a process of this run as ourselves; it dies with us."""
    return children.spawn(command, account=None, log=log, death_signal=signal.SIGTERM)


def settings(folder: Path, port: int, distribution_port: int, names_port: int) -> dict[str, str]:
    """Keep every file and port of the server to this run."""
    folder.mkdir()
    (folder / "plugins").write_text("[].\n")
    return {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(names_port),
        "RABBITMQ_NODENAME": f"theatre-tests-{os.getpid()}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        # the shell that starts it makes way for it, so that a signal reaches the server itself
        "RUNNING_UNDER_SYSTEMD": "1",
    }


def free_ports(count: int) -> list[int]:
    """Find ports that nobody uses.

    None is of those that the system gives to whoever calls out: it stays free while its process is started again.
    """
    found: dict[int, None] = {}
    while len(found) < count:
        port = random.choice(PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found[port] = None
    return list(found)


async def answers(port: int, broker: children.Process) -> bool:
    """Wait until the server takes connections; False if it ended or took too long."""
    for _ in range(START_SECONDS * 5):
        if broker.poll() is not None:
            return False
        if await speaks_amqp(port):
            return True
        await asyncio.sleep(0.2)
    return False


async def speaks_amqp(port: int) -> bool:
    """Tell whether a broker greets us on a local port."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(GREETING)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await reader.read(1) == METHOD_FRAME
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
