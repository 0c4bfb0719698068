"""Metrics in the format of Prometheus, on a port of their own that no gateway leads to.

What happens is counted where it happens, after its commit. What stands in tables and queues is measured by jobs (every
`MEASURE_SECONDS`, by bounded queries on an index), so that nobody who asks for metrics can make work for the database.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from tempfile import TemporaryDirectory
from typing import Protocol
from uuid import UUID

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import event

from theatre.kit.db import Session
from theatre.kit.ids import made_at
from theatre.kit.settings import ServiceSettings

# how prometheus-client is told, before it is imported, that several processes count together
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
MEASURE_SECONDS = 15
MAX_COUNTED = 10_000
QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW = (0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200, 86_400)


def _gauge(name: str, words: str, *labels: str) -> Gauge:
    # several processes measure the same thing: the last word counts
    return Gauge(name, words, labels, multiprocess_mode="mostrecent")


HTTP_REQUESTS = Histogram(
    "theatre_http_request_seconds",
    "Requests by route and status, and how long their answers took.",
    ("service", "method", "route", "status"),
    buckets=QUICK,
)
JOBS = Histogram(
    "theatre_job_seconds",
    "Runs of jobs by outcome (done, failed).",
    ("service", "job_name", "outcome"),
    buckets=QUICK,
)
MESSAGE_AGE = Histogram(
    "theatre_message_age_seconds",
    "How old a fact was when its consumer had judged it (done, retry, dead).",
    ("queue", "verdict"),
    buckets=SLOW,
)
QUEUE_MESSAGES = _gauge("theatre_queue_messages", "Messages that are due in a queue, up to 10,000.", "queue")
DEAD_MESSAGES = _gauge(
    "theatre_dead_messages", "Messages of a queue that were put aside, up to 10,000.", "queue"
)
OUTBOX_AGE = _gauge(
    "theatre_outbox_oldest_unsent_seconds", "How long the oldest fact waits to be sent.", "service"
)
OUTBOX_UNSENT = _gauge(
    "theatre_outbox_unsent_messages", "Facts that wait to be sent, up to 10,000.", "service"
)
OUTBOX_DEAD = _gauge(
    "theatre_outbox_dead_messages", "Facts that the broker refused for good, up to 10,000.", "service"
)
ATTEMPTS = Counter(
    "theatre_attempts",
    "Attempts that ended, by outcome (succeeded, failed, expired).",
    ("provider", "outcome"),
)
PROVIDER_REQUESTS = Histogram(
    "theatre_provider_request_seconds",
    "Questions to payment systems by outcome (answered, unknown).",
    ("provider", "outcome"),
    buckets=QUICK,
)
CAPTURED = Counter("theatre_captured_minor", "Money taken, in minor units.", ("currency",))
REFUNDED = Counter("theatre_refunded_minor", "Money given back, in minor units.", ("currency",))
RENEWALS = Counter(
    "theatre_renewals", "Renewals of plans by outcome (begun, tried_again, paid, failed).", ("outcome",)
)
RENEWALS_AGE = _gauge(
    "theatre_renewals_oldest_due_seconds", "How long the plan that waits longest has been due for a look."
)
CASES_OPEN = _gauge("theatre_cases_open", "Cases about money that wait for a person, up to 10,000.")
DELIVERIES = Counter(
    "theatre_deliveries",
    "Tries to deliver by outcome (sent, queued: tried again later, failed, dead).",
    ("channel", "outcome"),
)
DELIVERIES_AGE = _gauge(
    "theatre_deliveries_oldest_due_seconds", "How long the oldest delivery has been due.", "channel"
)


class Counting(Protocol):
    """A counter with its labels."""

    def inc(self, amount: float = 1) -> None: ...


def on_commit(session: Session, counter: Counting, amount: int = 1) -> None:
    """Count something when the transaction that makes it true is committed."""

    def count(_: object) -> None:
        counter.inc(amount)

    event.listen(session.sync_session, "after_commit", count, once=True)


def age_seconds(message_id: UUID, *, now: datetime) -> float:
    """Tell how old a message is; zero if its id does not say."""
    made = made_at(message_id)
    return max((now - made).total_seconds(), 0) if made else 0


def serve_metrics(settings: ServiceSettings, registry: CollectorRegistry = REGISTRY) -> None:
    """Give this process's metrics to whoever asks at the internal port, if one is set.

    Raises:
        OSError: somebody else listens there.
    """
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.metrics_host, registry)


@contextmanager
def shared_metrics(settings: ServiceSettings) -> Iterator[dict[str, str]]:
    """Serve what processes started in the block count together, at the internal port; gives what they must be told."""
    if not settings.metrics_port:
        yield {}
        return
    # a process that is forked has begun to count for itself, and has a copy of the thread that serves
    multiprocessing.set_start_method("spawn")
    with TemporaryDirectory(prefix="theatre-metrics-") as folder:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
        serve_metrics(settings, registry)
        yield {FOLDER_VARIABLE: folder}
