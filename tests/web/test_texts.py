"""The texts of pages: the same ones in both languages, and none missing."""

import json
import re
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest

from theatre.billing import models
from theatre.contracts.payment import OperationKind
from theatre.contracts.payment_disputes import DisputeStatus
from theatre.kit.i18n import LOCALES

PLURALS = {"ru": {"one", "few", "many"}, "en": {"one", "many"}}
WEB = Path(str(files("theatre.web")))
# keys that end in what a template or the code knows only when it runs
BEGUN = re.compile(r"""['"]([a-z_0-9.]+\.)['"{]""")
QUOTED = re.compile(r"""['"]([a-z_0-9.]+)['"]""")
LOOKED_UP = ("error.", "fault.")
KEY = re.compile(r"\b(?:t|find)\('([a-z_0-9.]+)'(?! ~)")


def texts_of(locale: str) -> dict[str, str]:
    parts = [json.loads(file.read_text("utf-8")) for file in (WEB / "texts").glob(f"*.{locale}.json")]
    texts = {key: text for part in parts for key, text in part.items()}
    assert len(texts) == sum(map(len, parts)), "a key is in two parts"
    return texts


def templates() -> list[str]:
    return [file.read_text("utf-8") for file in (WEB / "templates").rglob("*.html")]


def values_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def is_count(key: str) -> bool:
    return key.rpartition(".")[2] in PLURALS["ru"]


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    russian, english = texts_of("ru"), texts_of("en")
    ours = {key for key in russian if not is_count(key)}
    assert ours == {key for key in english if not is_count(key)}
    assert [key for key in ours if values_of(russian[key]) != values_of(english[key])] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_count_has_all_forms_of_its_language(locale: str) -> None:
    texts = texts_of(locale)
    stems = {key.rpartition(".")[0] for key in texts if is_count(key)}
    assert "per.month" in stems
    for stem in stems:
        assert {key.rpartition(".")[2] for key in texts if key.rpartition(".")[0] == stem} == PLURALS[locale]


def test_every_text_that_a_template_names_exists() -> None:
    named = {key for source in templates() for key in KEY.findall(source)}
    assert len(named) > 50
    assert named - texts_of("en").keys() == set()


def test_no_text_is_kept_that_nothing_shows() -> None:
    sources = " ".join([*templates(), *(file.read_text("utf-8") for file in WEB.rglob("*.py"))])
    named = set(QUOTED.findall(sources))
    begun = (*BEGUN.findall(sources), *LOOKED_UP)
    kept = {key.rpartition(".")[0] if is_count(key) else key for key in texts_of("en")}
    assert sorted(key for key in kept if key not in named and not key.startswith(begun)) == []


def test_every_state_that_billing_can_answer_has_a_word() -> None:
    texts = texts_of("en")
    for status in (
        "unpaid",
        "pending",
        "paid",
        "refunded",
        "canceled",
        "expired",
        "canceling",
        "partly_refunded",
    ):
        assert f"status.{status}" in texts
    for status in ("trialing", "active", "past_due", "paused", "canceled", "expired"):
        assert f"subscription.{status}" in texts
    for status in ("requested", "pending", "succeeded", "failed", "rejected"):
        assert f"note.refund_{status}" in texts


def test_the_panel_has_a_word_for_every_state_that_billing_can_answer() -> None:
    texts = texts_of("en")
    states: dict[str, type[StrEnum]] = {
        "admin.case.": models.CaseKind,
        "admin.case.help.": models.CaseKind,
        "admin.state.case.": models.CaseStatus,
        "admin.source.": models.RefundSource,
        "admin.state.refund.": models.RefundStatus,
        "admin.receipt.": models.ReceiptKind,
        "admin.state.receipt.": models.ReceiptStatus,
        "admin.outcome.": models.Outcome,
        "admin.why.": models.Reason,
        "admin.state.run.": models.RunStatus,
        "admin.state.dispute.": DisputeStatus,
        "admin.operation.": OperationKind,
        "subscription.": models.SubscriptionStatus,
        "kind.": models.ProductKind,
    }
    wanted = {stem + state for stem, kind in states.items() for state in kind}
    assert wanted - texts.keys() == set()
