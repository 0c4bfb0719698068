"""Who the servers run as: ourselves, or an unprivileged user when we are root (PostgreSQL refuses root)."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """A user of this machine other than ourselves."""

    uid: int
    gid: int
    name: str


def choose_account(*data_folders: Path) -> Account | None:
    """Give the owner of the first data folder that exists, else `nobody`; None if we are not root."""
    if os.geteuid() != 0:
        return None
    for folder in data_folders:
        if folder.exists() and (owner := folder.stat()).st_uid != 0:
            return Account(owner.st_uid, owner.st_gid, name_of(owner.st_uid))
    nobody = pwd.getpwnam(UNPRIVILEGED)
    return Account(nobody.pw_uid, nobody.pw_gid, UNPRIVILEGED)


def name_of(uid: int) -> str:
    """Give the login of a user id, or the number itself."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def reaches(account: Account | None, path: Path) -> bool:
    """Tell whether the account may enter (or run) `path`. The kernel answers, so access lists count too."""
    if account is None:
        return os.access(path, os.X_OK)
    probe = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$0"', str(path)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        stderr=subprocess.DEVNULL,
    )
    return probe.returncode == 0
