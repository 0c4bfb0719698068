"""The command line: help everywhere, refusals in one line, production guarded."""

import os
import resource
import subprocess
import sys

import pytest

from theatre.registry import SERVICES

COMMANDS = [
    "up",
    "serve",
    "work",
    "init",
    "migrate",
    "user",
    "user create-superuser",
    "demo",
    "doctor",
    "reconcile",
    "index",
    "faker",
    "ledger verify",
    "outbox replay",
]
LIMIT_SECONDS = 60
CANARY = "canary-value-that-must-not-be-seen"


def theatre(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a bare environment."""
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "300", **variables}
    command = [sys.executable, "-m", "theatre", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Give all that a command wrote."""
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = theatre(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage: " in done.stdout


@pytest.mark.parametrize("command", ["serve", "work", "init", "migrate", "outbox replay"])
def test_an_unknown_service_is_refused_with_the_names_of_those_that_are(command: str) -> None:
    done = theatre(*command.split(), "nosuch")
    assert done.returncode == 2
    assert all(service.name in said(done) for service in SERVICES)


def test_a_service_without_a_worker_has_none_to_run() -> None:
    assert theatre("work", "auth").returncode == 2


@pytest.mark.parametrize(
    ("service", "since", "why"),
    [
        ("web", "2026-11-24T00:00:00Z", "tells nobody anything"),
        ("billing", "2026-11-24T00:00:00", "names no zone"),
        ("billing", "yesterday", "is no moment"),
    ],
)
def test_a_replay_that_makes_no_sense_is_refused(service: str, since: str, why: str) -> None:
    done = theatre("outbox", "replay", service, "--since", since)
    assert (done.returncode, why in said(done)) == (2, True), said(done)


def test_migrate_wants_to_know_what() -> None:
    assert theatre("migrate").returncode == 2
    assert theatre("migrate", "billing", "--all").returncode == 2


def test_a_setting_that_cannot_be_read_is_named_without_its_value() -> None:
    done = theatre("init", "billing", BILLING_DATABASE_POOL_SIZE=CANARY)
    assert done.returncode == 2
    assert "DATABASE_POOL_SIZE" in said(done)
    assert CANARY not in said(done)
    assert "Traceback" not in said(done)


@pytest.mark.parametrize("service", [service.name for service in SERVICES])
def test_production_refuses_defaults_at_once_and_names_them(service: str) -> None:
    """RELIABILITY S-G6."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = theatre("serve", service, THEATRE_ENV="production", THEATRE_SERVICE_SECRET=CANARY[:20])
    assert done.returncode == 2
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5
    own = {"sandbox": "SANDBOX_ENV", "auth": "AUTH_SIGNING_KEY"}
    assert own.get(service, f"{service.upper()}_SERVICE_SECRET") in said(done)
    assert CANARY[:20] not in said(done)


@pytest.mark.parametrize(
    "words", ["work billing", "init billing", "ledger verify", "reconcile --day 2026-11-24"]
)
def test_every_command_that_touches_money_refuses_defaults_in_production(words: str) -> None:
    """RELIABILITY S-G6."""
    done = theatre(*words.split(), THEATRE_ENV="production")
    assert done.returncode == 2
    assert "BILLING_SERVICE_SECRET" in said(done)


def test_production_refuses_the_embedded_house() -> None:
    done = theatre("up", THEATRE_ENV="production")
    assert done.returncode == 2
    assert "THEATRE_ENV" in said(done)


def test_production_migrates_all_but_the_sandbox() -> None:
    done = theatre("migrate", "--all", THEATRE_ENV="production")
    assert done.returncode == 2
    assert "sandbox" not in said(done)


def test_nobody_at_the_address_makes_the_demo_fail() -> None:
    done = theatre("demo", "--url", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert "no answer" in said(done)


def test_doctor_says_what_does_not_answer_and_masks_what_is_secret() -> None:
    done = theatre(
        "doctor",
        THEATRE_DATABASE_URL=f"postgresql://someone:{CANARY}@127.0.0.1:1/none",
        THEATRE_REDIS_URL="redis://127.0.0.1:1/0",
        THEATRE_BROKER_URL=f"amqp://someone:{CANARY}@127.0.0.1:1/",
        THEATRE_PUBLIC_URL="http://127.0.0.1:1",
        AUTH_SIGNING_KEY=CANARY,
    )
    assert done.returncode == 1
    assert CANARY not in said(done)
    assert said(done).count("not good") == 3 + len(SERVICES)


def test_doctor_asks_the_payment_systems_that_are_on_and_masks_their_secrets() -> None:
    done = theatre(
        "doctor",
        THEATRE_PUBLIC_URL="http://127.0.0.1:1",
        PAYMENT_PROVIDERS="yookassa,stripe",
        PAYMENT_YOOKASSA_API_URL="http://127.0.0.1:1/v3",
        PAYMENT_YOOKASSA_SECRET_KEY=CANARY,
        PAYMENT_STRIPE_API_URL="http://127.0.0.1:1/v1",
        PAYMENT_STRIPE_SECRET_KEY=CANARY,
        PAYMENT_STRIPE_WEBHOOK_SECRETS=CANARY,
    )
    assert CANARY not in said(done)
    for name in ("yookassa", "stripe"):
        [line] = [line for line in done.stdout.splitlines() if f"payment system {name}" in line]
        assert "does not answer" in line
        assert "not good" in line
