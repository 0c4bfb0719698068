"""The gate on the gate: `python -m tests.faults.seeded_bugs [NUMBER…]` seeds each bug and says whether a test noticed.

Each is applied to a temporary copy of the checkout, where the tests that must turn red are run. The exit status is 1
if any stayed green, or could not be tried.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.bugs import BUGS, Bug, Change

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src/theatre")
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", ".test-services")
RED, GREEN, BROKEN = "red", "GREEN", "BROKEN"
VERDICTS = {0: GREEN, 1: RED}
LIMIT_SECONDS = 300


def seeded(text: str, change: Change) -> str:
    """Give the text of a file with the bug in it.

    Raises:
        ValueError: what the bug changes does not stand there exactly once.
    """
    if (found := text.count(change.old)) != 1:
        raise ValueError(f"{change.file}: {found} times instead of once: {change.old.strip()}")
    return text.replace(change.old, change.new)


def run_tests_with(bug: Bug, folder: Path) -> str:
    """Run a bug's tests in a copy of the checkout that has the bug; give the verdict."""
    copy = folder / "checkout"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    file = copy / PACKAGE / bug.change.file
    file.write_text(seeded(file.read_text(), bug.change))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-m", "not all_faults", *bug.tests]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    with (folder / "output").open("w+") as output:
        try:
            done = subprocess.run(
                command, cwd=copy, env=environment, stdout=output, stderr=output, timeout=LIMIT_SECONDS
            )
        except subprocess.TimeoutExpired:
            return f"{BROKEN}: not done in {LIMIT_SECONDS} s"
        output.seek(0)
        last = output.read().strip().splitlines()[-1:]
    return VERDICTS.get(done.returncode, f"{BROKEN}: {' '.join(last)}")


def main(numbers: list[str]) -> int:
    """Try the bugs of these numbers, or all; give the exit status."""
    chosen = [bug for bug in BUGS if not numbers or bug.number in numbers]
    if unknown := set(numbers) - {bug.number for bug in chosen}:
        print(f"No such bug: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    verdicts = []
    for bug in chosen:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="theatre-bug-") as folder:
            verdicts.append(run_tests_with(bug, Path(folder)))
        seconds = time.monotonic() - started
        print(f"{bug.number:>4}  {bug.words:<56} {seconds:5.0f} s  {verdicts[-1]}", flush=True)
    return int(any(verdict != RED for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
