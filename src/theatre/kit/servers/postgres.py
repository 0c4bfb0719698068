"""The embedded PostgreSQL: made once, started on a private unix socket, stopped fast."""

import asyncio
import shutil
import signal
import time
from functools import partial
from pathlib import Path

import asyncpg

from theatre.kit.servers import children, programs
from theatre.kit.servers.children import Command, Process
from theatre.kit.servers.errors import ServersError
from theatre.kit.servers.places import Places, own_folder

DATABASE = "theatre"
START_SECONDS = 120.0  # crash recovery replays the log first
RESTART_SECONDS = 10.0
FAREWELL = ((signal.SIGINT, 6.0), (signal.SIGQUIT, 2.0))  # fast, then immediate shutdown
PID_FILE = "postmaster.pid"
STILL_BUSY = "pre-existing shared memory block"

# bytewise order and correct upper and lower case in every language, the same on every machine
INITDB = (
    *("-U", "postgres", "-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    *("--auth-local=trust", "--auth-host=reject"),
)
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "128MB",
    # LOG, FATAL, PANIC: a statement that fails is told to its client, not to the disk
    "log_min_messages": "log",
    "log_checkpoints": "off",
}


async def start(places: Places) -> Process:
    """Start the server of these places on its data, making the data first if there is none.

    Raises:
        ServersError: it did not become ready; the message ends with the last lines of its log.
    """
    bin_folder = programs.find_postgres(places)
    data = places.base / "postgres"
    if not data.exists():
        await make_data(bin_folder, data, places)
    own_folder(data, places.account)
    await stop_stray(data)
    process = await serve(bin_folder / "postgres", data, places)
    try:
        await make_database(places.sockets)
    except BaseException:
        await stop(process)
        raise
    return process


async def make_data(bin_folder: Path, data: Path, places: Places) -> None:
    """Run initdb beside the final place, then move the result: an interrupted one is never taken for data."""
    unfinished = data.with_name("postgres.new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    own_folder(unfinished, places.account)
    command: Command = [bin_folder / "initdb", "-D", unfinished, *INITDB]
    await children.run(command, account=places.account, log=places.base / "postgres.log")
    unfinished.rename(data)


async def serve(program: Path, data: Path, places: Places) -> Process:
    """Start the server process and wait until it takes connections."""
    settings = SETTINGS | {"unix_socket_directories": str(places.sockets)}
    command: Command = [program, "-D", data, *(f"--{name}={value}" for name, value in settings.items())]
    log = places.base / "postgres.log"
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        process = children.spawn(command, account=places.account, log=log, death_signal=signal.SIGINT)
        if await children.wait_until(partial(is_ready, data, process.pid), process, seconds=START_SECONDS):
            return process
        await stop(process)
        # workers of a killed server need a moment to notice that it is gone
        if STILL_BUSY not in children.tail(log) or time.monotonic() > deadline:
            raise ServersError(f"PostgreSQL did not start: {children.tail(log)}")
        await asyncio.sleep(0.1)


async def stop(process: Process) -> None:
    """Shut the server down: clients are cut off, everything committed is on disk."""
    await children.stop(process, FAREWELL)


async def stop_stray(data: Path) -> None:
    """End the server that an earlier run left on this data.

    Its pid file goes as well: PostgreSQL refuses one that is empty, or whose pid another process has got since.
    """
    await children.stop_stray(data / PID_FILE, FAREWELL)


def is_ready(data: Path, pid: int) -> bool:
    """Tell whether the server with this pid, and no other, says that it takes connections."""
    lines = read_pid_file(data)
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def read_pid_file(data: Path) -> list[str]:
    """Give the lines of PostgreSQL's pid file: its pid first, its state eighth; none if there is no file."""
    try:
        return (data / PID_FILE).read_text().splitlines()
    except FileNotFoundError:
        return []


async def make_database(sockets: Path) -> None:
    """Create our database if the server has none; safe to repeat."""
    connection = await asyncpg.connect(host=str(sockets), user="postgres", database="postgres")
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()


def url(sockets: Path) -> str:
    """Give the address of our database on the server with these sockets."""
    return f"postgresql://postgres@/{DATABASE}?host={sockets}"
