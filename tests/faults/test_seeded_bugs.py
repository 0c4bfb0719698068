"""The seeded bugs cannot rot: each still fits the code, and names tests that exist."""

import ast
from pathlib import Path

import pytest

from tests.faults.bugs import BUGS, Bug, Change
from tests.faults.seeded_bugs import PACKAGE, ROOT, main, seeded


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.number)
def test_a_seeded_bug_still_fits_the_code(bug: Bug) -> None:
    """RELIABILITY 2.5."""
    text = (ROOT / PACKAGE / bug.change.file).read_text()
    assert ast.dump(ast.parse(seeded(text, bug.change))) != ast.dump(ast.parse(text))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.number)
def test_the_tests_that_must_notice_exist(bug: Bug) -> None:
    for words in bug.tests:
        path, _, name = words.partition("::")
        assert (ROOT / path).exists()
        assert not name or f"def {name}(" in (ROOT / path).read_text()


def test_a_bug_that_does_not_fit_any_more_is_refused() -> None:
    with pytest.raises(ValueError, match="0 times"):
        seeded("pass", Change("billing/payments.py", "raise", "pass"))


def test_an_unknown_number_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["99"]) == 2
    assert "99" in capsys.readouterr().err


def test_numbers_are_unique() -> None:
    assert len({bug.number for bug in BUGS}) == len(BUGS)


def test_the_package_is_where_it_is_sought() -> None:
    assert Path(ROOT / PACKAGE / "registry.py").is_file()
