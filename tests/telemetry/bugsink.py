"""Bugsink, a real server that understands Sentry's clients, in an environment of its own (`run_tests.sh --install`)."""

import json
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MISSING
from tests.flows.programs import Program, until_ready
from tests.rabbitmq import free_ports

CHECKOUT = Path(__file__).parents[2]
PROGRAMS = CHECKOUT / ".venv-bugsink/bin"
SETTINGS = """
from bugsink.settings.default import *
SECRET_KEY = "{secret}"
DATABASES["default"]["NAME"] = "{folder}/bugsink.sqlite3"
DATABASES["snappea"]["NAME"] = "{folder}/snappea.sqlite3"
SNAPPEA = {{"TASK_ALWAYS_EAGER": True}}
SENTRY_DSN = None
TIME_ZONE = "UTC"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
BUGSINK = {{"BASE_URL": "{url}", "SINGLE_USER": True, "SINGLE_TEAM": True}}
"""
MAKE_PROJECT = "from projects.models import Project; print('dsn', Project.objects.create(name='theatre').dsn)"
SECONDS = 120.0


class Bugsink:
    """A running server with one project."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.dsn = dsn

    def events(self) -> list[dict[str, Any]]:
        """Give every event that it has stored."""
        with closing(sqlite3.connect(self.folder / "bugsink.sqlite3")) as database:
            return [json.loads(data) for [data] in database.execute("SELECT data FROM events_event")]

    def contents(self) -> bytes:
        """Give all that it has written down anywhere."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


def skip_without_bugsink() -> None:
    """Skip who asks for it where it is not installed."""
    if not (PROGRAMS / "gunicorn").exists():
        pytest.skip(f"{MISSING}Bugsink (not installed: ./run_tests.sh --install)")


@asynccontextmanager
async def running_bugsink(folder: Path) -> AsyncIterator[Bugsink]:
    """Make its database and a project, and serve while the block runs."""
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    (folder / "bugsink_conf.py").write_text(
        SETTINGS.format(secret=secrets.token_urlsafe(50), folder=folder, url=url)
    )
    environment = {"PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "bugsink_conf"}

    async def manage(*words: str) -> str:
        program = Program([str(PROGRAMS / "bugsink-manage"), *words], environment, folder / f"{words[0]}.log")
        program.start()
        assert await program.finish(SECONDS) == 0, program.said()
        return program.said()

    await manage("migrate")
    await manage("migrate", "--database", "snappea")
    dsn = (await manage("shell", "-c", MAKE_PROJECT)).partition("dsn ")[2].split()[0]
    command = [str(PROGRAMS / "gunicorn"), "--bind", f"127.0.0.1:{port}", "bugsink.wsgi"]
    server = Program(command, environment, folder / "gunicorn.log")
    server.start()
    try:
        await until_ready(f"{url}/health/ready", server)
        yield Bugsink(folder, dsn)
    finally:
        await server.stop()
