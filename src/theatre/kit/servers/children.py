"""Server processes: started so that they die with us, stopped politely, found again after a crash of ours."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from theatre.kit.servers.accounts import Account
from theatre.kit.servers.errors import ServersError

LAUNCHER = Path(__file__).with_name("launch.py")
# nothing of our environment reaches a server: PG… variables and library paths would change what it does
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
POLL_SECONDS = 0.005
LOG_TAIL_BYTES = 2000

Process = subprocess.Popen[bytes]
Command = Sequence[str | Path]
# signals to send one after the other, each with the seconds to wait for its effect
Farewell = Sequence[tuple[signal.Signals, float]]
LAST_WORD: Farewell = ((signal.SIGKILL, 5.0),)


def spawn(command: Command, *, account: Account | None, log: Path, death_signal: signal.Signals) -> Process:
    """Start a process that gets `death_signal` when we end.

    It has a session of its own: Ctrl-C in the terminal does not reach it. Call this from the main thread: the
    kernel ties the signal to the life of the calling thread.
    """
    uid, gid = (-1, -1) if account is None else (account.uid, account.gid)
    numbers = (int(death_signal), os.getpid(), uid, gid)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", LAUNCHER, *map(str, numbers), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
        )


async def run(command: Command, *, account: Account | None, log: Path) -> None:
    """Run a command to its end.

    Raises:
        ServersError: it failed; the message ends with what it wrote last.
    """
    process = spawn(command, account=account, log=log, death_signal=signal.SIGTERM)
    while process.poll() is None:
        await asyncio.sleep(POLL_SECONDS)
    if process.returncode != 0:
        raise ServersError(f"{Path(command[0]).name} failed: {tail(log)}")


async def wait_until(is_ready: Callable[[], bool], process: Process, *, seconds: float) -> bool:
    """Wait for a server to be ready; False if the process ended or time ran out first."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if is_ready():
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False


async def stop(process: Process, farewell: Farewell) -> None:
    """End a child of ours and wait for it."""
    await end(process.pid, farewell, is_alive=lambda: process.poll() is None)


async def stop_stray(pid_file: Path, farewell: Farewell) -> None:
    """End the server that an earlier run left on the folder of this pid file, if there is one; forget the file.

    The file may be cut short by a crash, or name a process that has nothing to do with us by now.
    """
    if not pid_file.exists():
        return
    first_word = next(iter(pid_file.read_text().split()), "")
    if first_word.isdigit():
        pid = int(first_word)
        await end(pid, farewell, is_alive=lambda: str(pid_file.parent) in command_line(pid))
    pid_file.unlink(missing_ok=True)


async def end(pid: int, farewell: Farewell, *, is_alive: Callable[[], bool]) -> None:
    """Send one signal after the other until the process is gone.

    Raises:
        ServersError: it outlived SIGKILL, as a process stuck in the kernel does.
    """
    for number, patience_seconds in (*farewell, *LAST_WORD):
        if not is_alive():
            return
        os.kill(pid, number)
        deadline = time.monotonic() + patience_seconds
        while is_alive() and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)
    if is_alive():
        raise ServersError(f"process {pid} does not end")


def command_line(pid: int) -> str:
    """Give the words a process was started with; nothing if it is gone or a zombie."""
    if not sys.platform.startswith("linux"):
        listing = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
        return subprocess.run(listing, capture_output=True, text=True).stdout
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def tail(log: Path) -> str:
    """Give the last words of a log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
