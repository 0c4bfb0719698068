"""nginx on the very files that the deployment uses."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.flows.programs import Program

NGINX = Path(__file__).parents[2] / "deploy/nginx"
SUFFIX = ".template"
# the first that looks the names of servers up again and again
RESOLVING = (1, 27, 3)


def find_nginx() -> str | None:
    """Give the program's path if it is installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@cache
def can_resolve(program: str) -> bool:
    """Tell whether this nginx takes `resolve` beside a server's address, as that of the image does."""
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", said)
    return found is not None and tuple(map(int, found.groups())) >= RESOLVING


def gateway(program: str, folder: Path, variables: Mapping[str, str]) -> Program:
    """Fill in the templates, as the image does, and make the program that serves them."""
    filled = {
        name: value if can_resolve(program) else value.removesuffix(" resolve")
        for name, value in variables.items()
    }
    for template in (NGINX / "templates").rglob(f"*{SUFFIX}"):
        target = folder / "conf.d" / str(template.relative_to(NGINX / "templates")).removesuffix(SUFFIX)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(re.sub(r"\$\{(\w+)\}", lambda found: filled[found[1]], template.read_text()))
    shutil.copy(NGINX / "nginx.conf", folder)
    rights = "user root;" if os.geteuid() == 0 else ""
    command = [program, "-e", "stderr", "-p", str(folder), "-c", "nginx.conf", "-g", f"daemon off; {rights}"]
    return Program(command, {}, folder / "nginx.log")
