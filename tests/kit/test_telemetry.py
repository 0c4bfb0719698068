"""What a span may say, and what a process pays that exports none."""

import subprocess
import sys

import pytest

from theatre.kit import telemetry
from theatre.kit.db import summary_of
from theatre.kit.http import OWN_PART

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        ("SELECT 1", "SELECT"),
        ("SELECT payment.id \nFROM billing.payment WHERE id = $1", "SELECT billing.payment"),
        ("insert into x (a) values ($1)", "INSERT"),
        ("INSERT INTO payment.attempt (id) VALUES ($1)", "INSERT payment.attempt"),
        ("", ""),
    ],
)
def test_a_statement_is_named_by_its_verb_and_table(statement: str, summary: str) -> None:
    assert summary_of(statement) == summary


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v3/payments/2d6a0d6f-000f-5000-8000-1b68e7b15f3f", "/v3/payments/*"),
        ("/v3/payments/2d6a0d6f/cancel", "/v3/payments/*/cancel"),
        ("/unsubscribe/abcdefghijklmnopqrstuvwxyzabcdef", "/unsubscribe/*"),
        ("/billing/internal/v1/entitlements", "/billing/internal/v1/entitlements"),
        ("/s/x8Kd2", "/s/*"),
    ],
)
def test_a_path_is_told_without_what_belongs_to_somebody(path: str, said: str) -> None:
    assert OWN_PART.sub("/*", path) == said


def test_a_step_is_of_the_trace_that_it_is_given() -> None:
    with telemetry.span("outer"), telemetry.span("inner", TRACE):
        assert telemetry.current_trace_id() == "a" * 32


def test_rubbish_instead_of_a_trace_is_passed_over() -> None:
    with telemetry.span("outer"):
        outer = telemetry.current_trace_id()
        with telemetry.span("inner", "00-zz"):
            assert telemetry.current_trace_id() == outer


def test_an_outcome_goes_on_with_the_trace_in_which_it_was_asked_for() -> None:
    with telemetry.span("callback"):
        with telemetry.resumed("outcome", TRACE):
            assert telemetry.current_trace_id() == "a" * 32
        assert telemetry.current_trace_id() != "a" * 32


def test_without_an_endpoint_nothing_that_makes_spans_is_loaded() -> None:
    code = "import sys, theatre.billing.app; sys.exit('opentelemetry.exporter' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
