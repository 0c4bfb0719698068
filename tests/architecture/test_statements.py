"""Statements that must hold are named by the tests that prove them (docs/statements.md)."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import ROOT, Function

NAME = r"[A-Z]-[A-Z]?\d+|[A-Z]\d+"
RANGE = re.compile(rf"\b({NAME})(?: (?:to|through) ({NAME}))?\b")
PARTS = re.compile(r"(.*?)(\d+)")
UNPROVED = "Not proved"


def names_in(text: str) -> Iterator[str]:
    """Give each statement that a text names; `K1 to K22` names all of them."""
    for first, last in RANGE.findall(text):
        prefix, number = PARTS.fullmatch(first).groups()  # type: ignore[union-attr]
        end = PARTS.fullmatch(last or first).group(2)  # type: ignore[union-attr]
        for each in range(int(number), int(end) + 1):
            yield f"{prefix}{each:0{len(number)}}"


def listed(table: str) -> set[str]:
    """Give the statements in the first column of a table."""
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    return {name for cell in cells for name in names_in(cell)}


def named_by_tests() -> set[str]:
    """Give the statements that docstrings of tests name, and of the rules of state machines."""
    named: set[str] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function) and (node.name.startswith("test_") or is_rule(node)):
                named.update(names_in(ast.get_docstring(node) or ""))
    return named


def is_rule(function: Function) -> bool:
    """Tell whether a state machine calls this function."""
    return any(ast.unparse(each).startswith(("rule(", "invariant(")) for each in function.decorator_list)


PROVED, OPEN = map(listed, (ROOT / "docs/statements.md").read_text().split(UNPROVED))


def test_every_statement_is_named_by_a_test_that_proves_it() -> None:
    assert not PROVED - named_by_tests()


def test_what_is_proved_is_not_listed_as_unproved() -> None:
    assert not OPEN & (named_by_tests() | PROVED)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("F-C10, R1: x", {"F-C10", "R1"}),
        ("I-09 to I-11", {"I-09", "I-10", "I-11"}),
        ("K1 to K3 and more", {"K1", "K2", "K3"}),
    ],
)
def test_a_range_names_all_between_its_ends(text: str, names: set[str]) -> None:
    assert set(names_in(text)) == names
