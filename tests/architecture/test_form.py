"""Every module of the product obeys every rule of form, and every rule can tell good from bad."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.sources import Source, read_source, read_sources

Rule = Callable[[Source], Iterator[str]]

GOOD = '''
"""A quiet room."""

def pay(session, total, at, *, wait_seconds: float = 0.5):
    for item in total:
        if item:
            with session:
                item.pay(at // 2)
        elif at:
            with session:
                session.flush()
'''
BAD: list[tuple[Rule, str, str]] = [
    (rules.long_files, "billing/payments.py", "x = 1\n" * 401),
    (rules.long_functions, "billing/payments.py", "def pay():\n" + "    x = 1\n" * 50),
    (rules.long_routes, "billing/routes.py", "@router.post('/')\nasync def pay():\n" + "    x = 1\n" * 16),
    (rules.deep_nesting, "kit/db.py", "def f():\n for a in b:\n  if a:\n   with c:\n    while d:\n     pass"),
    (
        rules.deep_nesting,
        "kit/db.py",
        "def f():\n if a:\n  pass\n elif b:\n  if c:\n   if d:\n    if e:\n     pass",
    ),
    (rules.many_positional_arguments, "kit/db.py", "class A:\n def f(self, a, b, c, d): pass"),
    (rules.missing_docstrings, "kit/db.py", "x = 1"),
    (rules.broad_excepts, "kit/db.py", "try:\n pass\nexcept Exception:\n pass"),
    (rules.broad_excepts, "kit/db.py", "try:\n pass\nexcept:\n pass"),
    (rules.broad_excepts, "kit/db.py", "try:\n pass\nexcept (OSError, BaseException):\n raise OSError"),
    (rules.floats_near_money, "billing/pricing.py", "def f(amount_minor: float): pass"),
    (rules.floats_near_money, "payment/attempts.py", "tax = amount * 1.2"),
    (rules.floats_near_money, "kit/money.py", "share = amount / 3"),
    (rules.other_clocks, "billing/periods.py", "now = datetime.now(UTC)"),
    (rules.other_clocks, "kit/cache.py", "today = datetime.date.today()"),
    (rules.environment_reads, "kit/settings.py", "import os\nhome = os.environ['HOME']"),
    (rules.environment_reads, "embedded/house.py", "import os\nhome = os.getenv('HOME')"),
    (rules.commits_in_services, "billing/payments.py", "async def f(session):\n await session.commit()"),
    (rules.bad_words, "billing/utils.py", "x = 1"),
    (rules.bad_words, "billing/payments.py", "class PaymentService: pass"),
    (rules.bad_words, "billing/payments.py", "async def process_payment(): pass"),
    (rules.deep_folders, "billing/routes/admin/lists/payments.py", "x = 1"),
]

SOURCES = read_sources()


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_no_module_breaks_the_rule(rule: Rule) -> None:
    offences = [offence for source in SOURCES for offence in rule(source)]
    assert not offences, "\n".join([rule.__doc__ or "", *offences])


@pytest.mark.parametrize(("rule", "path", "text"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_each_rule_notices_what_breaks_it(rule: Rule, path: str, text: str) -> None:
    assert list(rule(read_source(Path(path), text)))


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_no_rule_complains_of_a_good_module(rule: Rule) -> None:
    assert not list(rule(read_source(Path("billing/payments.py"), GOOD)))


def test_every_rule_is_tried_on_something_bad() -> None:
    assert {rule for rule, _, _ in BAD} == set(rules.RULES)
