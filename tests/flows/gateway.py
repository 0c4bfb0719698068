"""nginx on the very files that the deployment uses."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.flows.programs import Program

TEMPLATES = Path(__file__).parents[2] / "deploy/nginx/templates"
SUFFIX = ".template"
# what the nginx image has around the files
MAIN = """
daemon off;
pid nginx.pid;
error_log stderr warn;
worker_processes 1;
{user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path temporary;
    proxy_temp_path temporary;
    fastcgi_temp_path temporary;
    uwsgi_temp_path temporary;
    scgi_temp_path temporary;
    include conf.d/*.conf;
}}
"""


def find_nginx() -> str | None:
    """Give the program's path if it is installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def gateway(program: str, folder: Path, variables: Mapping[str, str]) -> Program:
    """Fill in the templates and make the program that serves them."""
    for template in TEMPLATES.rglob(f"*{SUFFIX}"):
        target = folder / "conf.d" / str(template.relative_to(TEMPLATES)).removesuffix(SUFFIX)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(re.sub(r"\$\{(\w+)\}", lambda found: variables[found[1]], template.read_text()))
    (folder / "nginx.conf").write_text(MAIN.format(user="user root;" if os.geteuid() == 0 else ""))
    command = [program, "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"]
    return Program(command, {}, folder / "nginx.log")
