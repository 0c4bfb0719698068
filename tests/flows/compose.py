"""The compose files, as Docker Compose itself reads them: it needs no engine for that."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OLDEST = (2, 24)
# beside our interpreter from its wheel, else what the machine has
COMMANDS: Sequence[Sequence[str]] = (
    (str(Path(sys.executable).with_name("docker-compose")),),
    ("docker", "compose"),
    ("docker-compose",),
)


@cache
def find_compose() -> Sequence[str] | None:
    """Give the words that start a Docker Compose which understands our files, if there is one."""
    return next((words for words in COMMANDS if shutil.which(words[0]) and version_of(words) >= OLDEST), None)


def version_of(words: Sequence[str]) -> tuple[int, ...]:
    """Ask a Docker Compose for its version; nothing if it cannot say."""
    asked = subprocess.run([*words, "version", "--short"], capture_output=True, text=True)
    numbers = asked.stdout.strip().removeprefix("v").split(".")[:2]
    return tuple(map(int, numbers)) if asked.returncode == 0 else ()


def read(
    *files: str, variables: Mapping[str, str] | None = None, profiles: Sequence[str] = ()
) -> dict[str, Any]:
    """Give the one model that some compose files make together, with variables filled in and profiles switched on.

    Raises:
        AssertionError: Docker Compose refuses them.
    """
    words = find_compose()
    assert words is not None
    named = [word for file in files for word in ("--file", file)]
    named += [word for profile in profiles for word in ("--profile", profile)]
    done = subprocess.run(
        # whatever a developer has said in .env and in the shell is not meant for tests
        [*words, "--env-file", os.devnull, *named, "config", "--format", "json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **(variables or {})},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    # what it only warns of (a variable without a value, a field that it does not know) is a fault of ours as well
    assert not done.stderr, done.stderr
    model: dict[str, Any] = json.loads(done.stdout)
    return model
