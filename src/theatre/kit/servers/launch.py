"""Becomes one server process. Run as a script by `children.spawn`, never imported by the product.

It stands between us and the server because a parent-death signal must be set after the change of user, before
the server's own code, and because Python between fork and exec is not safe in a process with threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def drop_privileges(uid: int, gid: int) -> None:
    """Become another user for good, without any of our groups."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with(parent: int, death_signal: int) -> None:
    """Ask the kernel for `death_signal` when `parent` ends, however it ends; it is Linux that can do this."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no parent-death signal")
    if os.getppid() != parent:
        sys.exit("the parent ended before this process was ready to follow it")


def main() -> None:
    """Take `DEATH_SIGNAL PARENT UID GID COMMAND…`; a UID of -1 stays who we are."""
    death_signal, parent, uid, gid = map(int, sys.argv[1:5])
    command = sys.argv[5:]
    if uid >= 0:
        drop_privileges(uid, gid)
    os.umask(0o077)
    die_with(parent, death_signal)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
