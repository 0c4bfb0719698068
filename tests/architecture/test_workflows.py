"""What GitHub runs: sound by GitHub's own schemas, on every Python that we promise, by the scripts that all have."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.sources import ROOT

GITHUB = ROOT / ".github"
SCHEMAS = {"workflows/ci.yaml": "vendor.github-workflows", "dependabot.yaml": "vendor.dependabot"}
NEWEST = 14


def complaint(file: Path, schema: str) -> str:
    """Check a file against a schema that the checker carries with it; give what it says if that is anything bad."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def workflow() -> dict[str, Any]:
    """Read the workflow."""
    found: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / "ci.yaml").read_text())
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_github_takes_the_file(name: str) -> None:
    assert not complaint(GITHUB / name, SCHEMAS[name])


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_word_that_github_does_not_know_is_noticed(name: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(f"{(GITHUB / name).read_text()}\nsurprise: true\n")
    assert "surprise" in complaint(broken, SCHEMAS[name])


def test_every_python_from_the_oldest_that_we_promise_runs_the_very_script() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = re.fullmatch(r">=3\.(\d+)", project["requires-python"])
    assert oldest
    checks = workflow()["jobs"]["checks"]
    wanted = [f"3.{minor}" for minor in range(int(oldest[1]), NEWEST + 1)]
    assert checks["strategy"]["matrix"]["python"] == wanted
    assert ".ci/run" in [step.get("run") for step in checks["steps"]]


def test_a_workflow_may_do_nothing_but_read() -> None:
    assert workflow()["permissions"] == {"contents": "read"}
    assert not [name for name, job in workflow()["jobs"].items() if "permissions" in job]
