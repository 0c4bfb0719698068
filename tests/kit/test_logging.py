"""Log lines hide what is secret, by its name and by its shape."""

import json
import subprocess
import sys

import pytest

from theatre.kit.logging import MASK, MAX_VALUE_CHARACTERS, mask_secrets, on_one_line


@pytest.mark.parametrize(
    "name", ["password", "new_password", "Authorization", "refresh_token", "client_secret", "cvc"]
)
def test_what_is_named_like_a_secret_is_hidden(name: str) -> None:
    assert mask_secrets(None, "", {name: "canary"})[name] == MASK
    assert mask_secrets(None, "", {"data": {name: "canary"}})["data"][name] == MASK


@pytest.mark.parametrize(
    "value",
    [
        "Bearer abcdefghijklmnop",
        "Basic dXNlcjpwYXNz",
        "token eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl here",
        "card 5555 5555 5555 4477",
        "5555555555554477",
        "postgresql://theatre:canary@db/theatre",
    ],
)
def test_what_looks_like_a_secret_is_hidden(value: str) -> None:
    shown = mask_secrets(None, "", {"event": value})["event"]
    assert MASK in shown
    assert "canary" not in shown
    assert "4477" not in shown


def test_values_are_cut_and_printable() -> None:
    shown = mask_secrets(None, "", {"event": "\ud800" + "x" * 100_000})["event"]
    assert len(shown) == MAX_VALUE_CHARACTERS
    shown.encode()


def test_ids_and_amounts_stay_readable() -> None:
    event = {"payment_id": "01a20590-1fb9-7111-b9ce-bdef64b3de24", "amount_minor": 39900}
    assert mask_secrets(None, "", event) == event


@pytest.mark.parametrize(
    "words",
    [
        "duplicate key\nDETAIL:  Key (email)=(bob@canary) already exists.",
        r"IntegrityError('duplicate key\nDETAIL:  Key (login, email)=(bob, bob@canary (x)) already exists.')",
        "violates check\nDETAIL:  Failing row contains (1, bob@canary, (null), 2026).\n[SQL: x]",
        r"IntegrityError('violates\nDETAIL:  Failing row contains (1, bob@canary, null).')",
    ],
)
def test_rows_that_postgresql_quotes_are_hidden(words: str) -> None:
    shown = mask_secrets(None, "", {"error": words})["error"]
    assert MASK in shown
    assert "bob" not in shown


def test_no_value_begins_another_line_or_moves_the_cursor() -> None:
    event = {"event": "a\nb\x1b[31m", "exception": "Traceback\n2026 [info] faked\r"}
    assert on_one_line(None, "", event) == {
        "event": r"a\nb\x1b[31m",
        "exception": "Traceback\n    2026 [info] faked\\r",
    }


def test_libraries_log_in_the_same_form() -> None:
    code = (
        "import logging; from theatre.kit.logging import configure_logging;"
        "configure_logging(form='json', level='info');"
        "logging.getLogger('library').warning('Bearer %s', 'abcdefghijklmnop')"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stderr
    line = json.loads(said)
    assert (line["event"], line["level"], line["service"]) == (MASK, "warning", "theatre")
