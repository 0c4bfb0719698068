"""Traces: W3C context carried over HTTP and through the broker, exported by OpenTelemetry when an endpoint is set.

Without an endpoint nothing that makes spans is loaded; the trace id still travels, so logs of all services meet. Spans
say what was done and how long it took, never for whom or with what: no values, no query strings, no words of errors.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from theatre.kit.spans import Exporter

TRACEPARENT = re.compile(r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")
NOT_SAMPLED = "-00"

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)
_service: ContextVar[str | None] = ContextVar("service", default=None)

Attributes = Mapping[str, str | int]


class Kind(Enum):
    """Which end of a conversation a span is; named as OpenTelemetry does."""

    INTERNAL = auto()
    SERVER = auto()
    CLIENT = auto()
    PRODUCER = auto()
    CONSUMER = auto()


class Step:
    """What may be said of a step while it lasts; nothing is kept where spans are not exported."""

    def note(self, attributes: Attributes, *, name: str | None = None) -> None:
        """Add what became known only now."""

    def fail(self, kind: str) -> None:
        """Mark it as failed; `kind` is an exception's type or a status, never words."""

    def end(self) -> None:
        """End a step that `begin` has begun."""


class _RecordedStep(Step):
    def __init__(self, started: "Span") -> None:
        self._span = started

    def note(self, attributes: Attributes, *, name: str | None = None) -> None:
        self._span.set_attributes(attributes)
        if name is not None:
            self._span.update_name(name)

    def fail(self, kind: str) -> None:
        from theatre.kit.spans import fail

        fail(self._span, kind)

    def end(self) -> None:
        self._span.end()


NO_STEP = Step()


class _Process:
    """What there is one of per process, as OpenTelemetry's own provider."""

    service = "theatre"
    exporter: "Exporter | None" = None


def current_traceparent() -> str | None:
    """Give the context that a message or request sent now should carry."""
    return _current.get()


def current_trace_id() -> str | None:
    """Give the 32 hex digits that log lines of one trace share."""
    parent = _current.get()
    return parent[3:35] if parent else None


def current_service() -> str:
    """Tell whose work is being done."""
    return _service.get() or _Process.service


def is_exporting() -> bool:
    """Tell whether anybody hears of spans."""
    return _Process.exporter is not None


@contextmanager
def serving(service: str) -> Iterator[None]:
    """Do what the block does in the name of a service."""
    token = _service.set(service)
    try:
        yield
    finally:
        _service.reset(token)


def child_of(traceparent: str | None) -> str:
    """Make the context of a new step: of the same trace if `traceparent` is well formed, else of a new one."""
    if _is_good(traceparent):
        return f"{traceparent[:36]}{secrets.token_hex(8)}{traceparent[52:]}"
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@contextmanager
def span(
    name: str,
    traceparent: str | None = None,
    *,
    kind: Kind = Kind.INTERNAL,
    attributes: Attributes | None = None,
    link: str | None = None,
) -> Iterator[Step]:
    """Run a step inside a span, below `traceparent` if that is well formed, or else below the step we are in."""
    parent = traceparent if _is_good(traceparent) else _current.get()
    exporter = _Process.exporter
    if exporter is None:
        with _within(child_of(parent)):
            yield NO_STEP
        return
    started = exporter.start(
        current_service(), name, parent, kind=kind.name, attributes=attributes, link=link
    )
    with _recorded(started) as step:
        yield step


@contextmanager
def _recorded(started: "Span") -> Iterator[Step]:
    from theatre.kit.spans import traceparent_of

    step = _RecordedStep(started)
    try:
        with _within(traceparent_of(started)):
            yield step
    except Exception as error:
        step.fail(type(error).__name__)
        raise
    finally:
        step.end()


@contextmanager
def resumed(name: str, traceparent: str | None) -> Iterator[None]:
    """Go on with the trace in which something was asked for, when its outcome comes in another; that one is linked."""
    here = _current.get()
    with span(name, traceparent, link=here if traceparent else None):
        yield


@contextmanager
def call(name: str, attributes: Attributes | None = None, *, kind: Kind = Kind.CLIENT) -> Iterator[Step]:
    """Run a call to somebody else; a span only where spans are exported and somebody's step is under way."""
    if not _is_heard():
        yield NO_STEP
        return
    with span(name, kind=kind, attributes=attributes) as step:
        yield step


def begin(name: str, attributes: Attributes) -> Step:
    """Begin what `call` does where a block cannot be had; nothing is below it, and who begins it ends it."""
    exporter, parent = _Process.exporter, _current.get()
    if exporter is None or not _is_heard():
        return NO_STEP
    kind = Kind.CLIENT.name
    return _RecordedStep(exporter.start(current_service(), name, parent, kind=kind, attributes=attributes))


def _is_heard() -> bool:
    """Tell whether there is a step under way of which somebody will hear."""
    within = _current.get()
    return _Process.exporter is not None and within is not None and not within.endswith(NOT_SAMPLED)


@contextmanager
def _within(traceparent: str) -> Iterator[None]:
    token = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(token)


def _is_good(traceparent: str | None) -> TypeGuard[str]:
    return traceparent is not None and TRACEPARENT.fullmatch(traceparent) is not None


def start_export(service: str, endpoint: str, *, environment: str) -> Callable[[], None]:
    """Name this process and send its spans to an OTLP endpoint (base address, over HTTP) if there is one.

    Which traces are kept is for the sampler to say that OTEL_TRACES_SAMPLER names. The result stops it and flushes.
    """
    _Process.service = service
    if not endpoint:
        return lambda: None
    from theatre.kit.spans import Exporter

    _Process.exporter = Exporter(endpoint, environment)
    return _stop_export


def _stop_export() -> None:
    stopping, _Process.exporter = _Process.exporter, None
    if stopping is not None:
        stopping.stop()
