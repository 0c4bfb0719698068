"""Importing the product does nothing: no settings, engine or application comes into being, nothing is read."""

import json
import subprocess
import sys

import pytest

# imports every module and tells what came into being, what read the environment, which threads run
PROBE = """
import gc, importlib, json, os, pkgutil, sys, threading

reads, original = set(), os._Environ.__getitem__

def watched(self, key):
    frame = sys._getframe(1)
    while "/theatre/" not in frame.f_code.co_filename and frame.f_back and "importlib" not in frame.f_code.co_filename:
        frame = frame.f_back
    reader = frame.f_code.co_filename.partition("/src/theatre/")[2]
    # cli may; pydantic asks about its plugins whenever a class is made
    if reader not in ("", "cli.py") and not str(key).startswith("PYDANTIC_"):
        reads.add(f"{reader}: {key}")
    return original(self, key)

os._Environ.__getitem__ = watched
import theatre
names = [module.name for module in pkgutil.walk_packages(theatre.__path__, "theatre.")]
# scripts, run by someone else: the interpreter, a new process, Alembic
skipped = ("theatre.__main__", "theatre.kit.servers.launch", "theatre.kit.migrations.env")
names = [name for name in names if name not in skipped and ".migrations.0" not in name]
for name in names:
    importlib.import_module(name)

from aio_pika import Connection
from fastapi import FastAPI
from pydantic_settings import BaseSettings
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine
kinds = (FastAPI, BaseSettings, AsyncEngine, Redis, Connection)
# not isinstance: asking a lazy object for its class may wake it up
made = [repr(type(found)) for found in gc.get_objects() if issubclass(type(found), kinds)]
print(json.dumps({"imported": len(names), "reads": sorted(reads), "made": made, "threads": threading.active_count()}))
"""


@pytest.fixture(scope="module")
def seen() -> dict[str, object]:
    """What importing everything did in a fresh process."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", PROBE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def test_importing_everything_makes_no_settings_engine_or_application(seen: dict[str, object]) -> None:
    assert isinstance(seen["imported"], int)
    assert seen["imported"] > 100
    assert seen["made"] == []
    assert seen["threads"] == 1


def test_importing_everything_reads_nothing_of_the_environment(seen: dict[str, object]) -> None:
    assert seen["reads"] == []
