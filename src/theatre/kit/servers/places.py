"""Where the servers' data, sockets and programs lie: under THEATRE_HOME, or elsewhere if that is closed to it.

A home keeps an id of its own, so a home that was deleted and made again never meets the data of the old one.
Folders that are not ours are never changed.
"""

import hashlib
import os
import re
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from theatre.kit.servers.accounts import Account, choose_account, name_of, reaches
from theatre.kit.servers.errors import ServersError

ELSEWHERE = Path("/var/lib/online-theatre")
SHORT = Path("/tmp")  # noqa: S108 - only for folders of mode 0700 with an unguessable name and a checked owner
MAX_SOCKET_BYTES = 100
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"
DATA_NAMES = ("postgres", "valkey")
OTHER_NAMES = ("postgres.new", "run", "programs", "postgres.log", "valkey.log", "servers-id")


@dataclass(frozen=True)
class Places:
    """The folders of one home's servers, and the user that they run as (None: ourselves)."""

    base: Path
    sockets: Path
    account: Account | None
    notes: tuple[str, ...]


def arrange(home: Path) -> Places:
    """Choose and make the folders of the servers of `home`; the choice stays the same at every later start.

    Raises:
        ServersError: existing data is out of reach of the user that owns it.
    """
    make_home(home)
    account = choose_account(*(base / name for base in bases(home) for name in DATA_NAMES))
    base, notes = choose_base(home, account)
    sockets = base / "run"
    if not fits_address(sockets):
        sockets = SHORT / f"theatre-{key_of(home)}"
        notes = (*notes, f"sockets are in {sockets}: the path of {base} does not fit into a socket's address")
    own_folder(sockets, account)
    return Places(base, sockets, account, notes)


def choose_base(home: Path, account: Account | None) -> tuple[Path, tuple[str, ...]]:
    """Give the folder that holds data: `home`, or one elsewhere if the account cannot enter `home`."""
    outside = elsewhere(home)
    if account is None:
        if outside.exists():
            raise ServersError(f"the data of {home} is in {outside}, made by root: start as root again")
        return home, ()
    if not outside.exists():
        if reaches(account, home):
            return home, ()
        if any((home / name).exists() for name in DATA_NAMES):
            raise ServersError(
                f"user {account.name}, who owns the data in {home}, cannot enter that folder any more: "
                f"let others pass through its parent folders (chmod o+x), or start with --reset"
            )
        make_elsewhere(outside)
    return outside, (f"data of the servers is in {outside}: user {account.name} cannot enter {home}",)


def fits_address(sockets: Path) -> bool:
    """Tell whether a socket's path is short enough for the system and plain enough to stand in an address."""
    path = str(sockets / LONGEST_SOCKET_NAME)
    return len(path) <= MAX_SOCKET_BYTES and PLAIN_PATH.fullmatch(path) is not None


def make_home(home: Path) -> None:
    """Make the home folder if it is absent, open enough for the servers' user to pass through."""
    if not home.exists():
        home.mkdir(parents=True)
        home.chmod(0o755)


def make_elsewhere(outside: Path) -> None:
    """Make a folder of root's that anyone may pass through and only root may change."""
    for folder in (outside.parent, outside):
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)


def own_folder(folder: Path, account: Account | None) -> Path:
    """Make `folder` private to the servers' user.

    Raises:
        ServersError: it exists and is not a folder of that user.
    """
    uid = os.geteuid() if account is None else account.uid
    if not os.path.lexists(folder):
        folder.mkdir(mode=0o700)
        if account is not None:
            os.chown(folder, account.uid, account.gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        raise ServersError(
            f"{folder} belongs to user {name_of(found.st_uid)}, and {name_of(uid)} needs it: start as before"
        )
    return folder


def elsewhere(home: Path) -> Path:
    """Give the folder that stands in for `home` where the servers' user cannot enter it."""
    return ELSEWHERE / key_of(home)


def bases(home: Path) -> tuple[Path, Path]:
    """List the folders that may hold the data of this home."""
    return home, elsewhere(home)


def key_of(home: Path) -> str:
    """Give a short name for this home, made of its path and of the id that it keeps in itself."""
    id_file = home / "servers-id"
    if not id_file.exists():
        id_file.write_text(secrets.token_hex(16))
    return hashlib.sha256(f"{home}\0{id_file.read_text()}".encode(errors="surrogateescape")).hexdigest()[:12]


def remove(home: Path) -> None:
    """Delete what the servers of `home` keep, here and elsewhere; the rest of `home` stays."""
    if not home.exists():
        return
    shutil.rmtree(SHORT / f"theatre-{key_of(home)}", ignore_errors=True)
    if (outside := elsewhere(home)).exists():
        shutil.rmtree(outside)
    for name in (*DATA_NAMES, *OTHER_NAMES):
        path = home / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
