"""Static analysis: `run_lint.sh [watch] [mypy|ruff|imports] [SERVICE]`, all tools and all services if not named.

Each tool looks once at everything (or at one service); its findings are dealt out to the services they belong to, and a
report of each lies in `.lint/<tool>-<service>.txt`.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import watchfiles

PACKAGE = Path("src/theatre")
REPORTS = Path(".lint")
HOUSE = "house"  # the modules above the services: cli, registry and the like
TESTS = "tests"  # the suite and the scripts


@dataclass(frozen=True)
class Outcome:
    """What a tool said: its findings by line, and whether it could work at all."""

    lines: list[str]
    crashed: bool


def list_services() -> list[str]:
    """Name everything that gets a report of its own."""
    packages = [path.parent.name for path in PACKAGE.glob("*/__init__.py")]
    return [*sorted(packages), HOUSE, TESTS]


def subjects_of(tool: str) -> list[str]:
    """Name everything that a tool has something to say about."""
    return [name for name in list_services() if (tool, name) != ("imports", TESTS)]


def owner_of(path: str) -> str:
    """Tell which service a file belongs to."""
    parts = Path(path).parts
    if parts[:2] != PACKAGE.parts:
        return TESTS
    return parts[2] if len(parts) > 3 else HOUSE


def folder_of(service: str) -> list[str]:
    """List what a tool has to look at for one service."""
    if service == TESTS:
        return [name for name in ("tests", "scripts", "benchmarks") if Path(name).exists()]
    if service == HOUSE:
        return [str(path) for path in PACKAGE.glob("*.py")]
    return [str(PACKAGE / service)]


def run(*words: str) -> Outcome:
    """Run a tool of this environment."""
    command = [str(Path(sys.executable).with_name(words[0])), *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return Outcome(lines, crashed=done.returncode > 1)


def run_mypy(service: str | None) -> Outcome:
    """Check types; the cache is shared, so that one service costs little after all of them."""
    folders = folder_of(service) if service else [str(PACKAGE), *folder_of(TESTS)]
    return run("mypy", "--no-error-summary", "--hide-error-context", "--no-pretty", *folders)


def run_ruff(service: str | None) -> Outcome:
    """Check style, then layout."""
    folders = folder_of(service) if service else [str(PACKAGE), *folder_of(TESTS)]
    style = run("ruff", "check", "--quiet", "--output-format=concise", *folders)
    layout = run("ruff", "format", "--check", "--quiet", *folders)
    unformatted = [line.replace("Would reformat: ", "") for line in layout.lines]
    return Outcome(
        style.lines + [f"{path}: wants `ruff format`" for path in unformatted],
        style.crashed or layout.crashed,
    )


def run_imports(_: str | None) -> Outcome:
    """Check who imports whom; the contracts stand in pyproject.toml."""
    checked = run("lint-imports", "--no-logo")
    kept = any(re.search(r"Contracts: \d+ kept, 0 broken", line) for line in checked.lines)
    return Outcome([] if kept else checked.lines, crashed=not (kept or "Broken contracts" in checked.lines))


def owner_of_finding(tool: str, line: str) -> str | None:
    """Tell whose fault a line of a tool's output is; None if it is only a remark."""
    if tool == "imports":
        importer = re.search(r"\btheatre\.(\w+)", line)
        return importer and (importer[1] if (PACKAGE / importer[1]).is_dir() else HOUSE)
    path = line.partition(":")[0]
    is_remark = tool == "mypy" and ": error:" not in line
    return None if is_remark or not Path(path).exists() else owner_of(path)


def check(tool: str, service: str | None) -> bool:
    """Run one tool, write the reports and say what was found; true if nothing was."""
    outcome = TOOLS[tool](service)
    if outcome.crashed:
        print(f"{tool} could not work:", *outcome.lines, sep="\n")
        return False
    findings: dict[str, list[str]] = {name: [] for name in ([service] if service else subjects_of(tool))}
    for line in outcome.lines:
        owner = owner_of_finding(tool, line)
        if owner in findings:
            findings[owner].append(line)
    for name, lines in findings.items():
        (REPORTS / f"{tool}-{name}.txt").write_text("".join(f"{line}\n" for line in lines))
        print(f"{tool:8}{name:16}{f'{len(lines)} found' if lines else 'passed'}")
        print(*(f"    {line}" for line in lines), sep="\n", end="\n" if lines else "")
    return not any(findings.values())


TOOLS: dict[str, Callable[[str | None], Outcome]] = {
    "ruff": run_ruff,
    "imports": run_imports,
    "mypy": run_mypy,
}


def check_all(tools: Iterable[str], service: str | None) -> bool:
    """Run each tool, whatever the others found; true if none found anything."""
    REPORTS.mkdir(exist_ok=True)
    failed = [tool for tool in tools if not check(tool, service)]
    return not failed


def watch(tools: list[str], service: str | None) -> None:
    """Check now and again after every change, until Ctrl-C."""
    check_all(tools, service)
    for _ in watchfiles.watch(PACKAGE, "tests", "scripts", raise_interrupt=False):
        print()
        check_all(tools, service)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="run_lint.sh", description="Static analysis of all services or of one."
    )
    parser.add_argument("words", nargs="*", metavar="watch | mypy | ruff | imports | SERVICE")
    words = parser.parse_args().words
    is_watching = words[:1] == ["watch"]
    words = words[is_watching:]
    tools = [words.pop(0)] if words and words[0] in TOOLS else list(TOOLS)
    service = words.pop(0) if words else None
    if words or (service and service not in list_services()):
        parser.error(f"no such service: {service}; there are {', '.join(list_services())}")
    if is_watching:
        watch(tools, service)
        return 0
    return 0 if check_all(tools, service) else 1


if __name__ == "__main__":
    sys.exit(main())
