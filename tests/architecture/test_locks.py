"""The lock files name exact versions with hashes, and no address: where packages come from is the machine's affair."""

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
REQUIREMENT = re.compile(r"^[\w.\-\[\],]+==[\w.!+]+( ;.+)? \\$")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.findall(r"\w+://\S+|--(?:extra-)?index-url.*|--find-links.*|--trusted-host.*", text)


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_has_one_version_and_a_hash(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    starts = [number for number, line in enumerate(lines) if line and not line.startswith((" ", "#"))]
    assert starts
    for number in starts:
        assert REQUIREMENT.match(lines[number]), lines[number]
        assert lines[number + 1].strip().startswith("--hash=sha256:"), lines[number]


def test_what_runs_is_the_same_in_tests_as_in_production() -> None:
    production, development = (set(pins(ROOT / name)) for name in LOCKS)
    assert production <= development


def pins(lock: Path) -> list[str]:
    """List `name==version` of a lock."""
    return re.findall(r"^([\w.\-\[\],]+==[\w.!+]+)", lock.read_text(), re.MULTILINE)
