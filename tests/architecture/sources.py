"""The product's source, parsed once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/theatre"
NOT_SERVICES = {"contracts", "demo", "embedded", "kit"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One module; `path` is relative to the package, `theatre`."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders and the name, as in `("billing", "routes", "admin")`."""
        return self.path.with_suffix("").parts

    @property
    def is_migration(self) -> bool:
        """Whether this is a step of a schema's history: written once, never edited."""
        return "migrations" in self.path.parts[:-1] and self.path.name != "__init__.py"

    def functions(self) -> Iterator[Function]:
        """Every function and method."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def at(self, node: ast.stmt | ast.expr | ast.ExceptHandler, what: str) -> str:
        """Say where something was found."""
        return f"{self.path}:{node.lineno}: {what}"


@cache
def read_sources() -> list[Source]:
    """Read every module of the product."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return [read_source(path.relative_to(PACKAGE), path.read_text()) for path in paths]


def read_source(path: Path, text: str) -> Source:
    """Parse one module."""
    return Source(path, text, ast.parse(text))


def list_services() -> list[Path]:
    """The folders of the services."""
    folders = [path.parent for path in PACKAGE.glob("*/__init__.py")]
    return sorted(folder for folder in folders if folder.name not in NOT_SERVICES)
