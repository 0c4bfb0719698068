"""The embedded Valkey, which speaks Redis' protocol: every write in a log on disk, a private unix socket."""

import signal
import socket
from pathlib import Path

from theatre.kit.servers import children, programs
from theatre.kit.servers.children import Command, Process
from theatre.kit.servers.errors import ServersError
from theatre.kit.servers.places import Places, own_folder

START_SECONDS = 60.0  # a long log is read first
FAREWELL = ((signal.SIGTERM, 5.0),)
PID_FILE = "valkey.pid"


async def start(places: Places) -> Process:
    """Start the server of these places on its data.

    Raises:
        ServersError: it did not become ready; the message ends with the last lines of its log.
    """
    program = programs.find_valkey(places)
    data = own_folder(places.base / "valkey", places.account)
    await stop_stray(data)
    socket_path = path_of_socket(places.sockets)
    socket_path.unlink(missing_ok=True)
    log = places.base / "valkey.log"
    command: Command = [program, *settings(data, socket_path)]
    process = children.spawn(command, account=places.account, log=log, death_signal=signal.SIGTERM)
    if await children.wait_until(lambda: is_ready(socket_path), process, seconds=START_SECONDS):
        return process
    await stop(process)
    raise ServersError(f"Valkey did not start: {children.tail(log)}")


def settings(data: Path, socket_path: Path) -> list[str]:
    """Give the server's command line; its title stays as given, which is how a stray one is known again."""
    return [
        *("--port", "0", "--unixsocket", str(socket_path), "--unixsocketperm", "700"),
        *("--dir", str(data), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--pidfile", str(data / PID_FILE), "--daemonize", "no", "--set-proc-title", "no"),
        *("--loglevel", "warning"),
    ]


async def stop(process: Process) -> None:
    """Shut the server down after it has written out its log."""
    await children.stop(process, FAREWELL)


async def stop_stray(data: Path) -> None:
    """End the server that an earlier run left on this data."""
    await children.stop_stray(data / PID_FILE, FAREWELL)


def is_ready(socket_path: Path) -> bool:
    """Tell whether the server answers; while it still reads its log it answers that it cannot."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(socket_path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except (FileNotFoundError, ConnectionError, TimeoutError):
            return False


def path_of_socket(sockets: Path) -> Path:
    """Give the address of the server within a folder of sockets."""
    return sockets / "valkey.sock"


def url(sockets: Path) -> str:
    """Give the address of the server, as clients of Redis write it."""
    return f"unix://{path_of_socket(sockets)}"
