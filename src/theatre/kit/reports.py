"""Defects told to Sentry when a DSN is set: what broke, where and in which request; never for whom or with what.

The SDK is used without its integrations, which would collect requests, local variables and everything else they find.
What leaves is put together anew from the few parts that are listed here, so that a new part of the SDK cannot slip out.
"""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import structlog

from theatre import __version__
from theatre.kit.faults import is_unavailability
from theatre.kit.logging import masked
from theatre.kit.telemetry import current_service, current_traceparent

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

KEPT = ("event_id", "timestamp", "level", "platform", "release", "environment", "tags", "sdk")
KEPT_OF_FRAME = (
    "filename",
    "module",
    "function",
    "lineno",
    "pre_context",
    "context_line",
    "post_context",
    "in_app",
)
# messages of exceptions quote the values that they do not like
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
MAIL_ADDRESS = re.compile(r"[^\s@<>(]+@[^\s@<>)]+")
MAX_WORDS_CHARACTERS = 300
STOP_SECONDS = 2.0


class _Process:
    """Whether this process has somebody to tell."""

    is_reporting = False


def start_reports(dsn: str, *, environment: str) -> Callable[[], None]:
    """Tell defects of this process to the Sentry of a DSN, if there is one; the result sends what is left and stops."""
    if not dsn:
        return lambda: None
    import sentry_sdk

    sentry_sdk.init(
        dsn,
        release=f"online-theatre@{__version__}",
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        default_integrations=False,
        auto_enabling_integrations=False,
        before_send=scrub,
    )
    _Process.is_reporting = True
    return lambda: sentry_sdk.flush(timeout=STOP_SECONDS)


def report(error: BaseException, **where: str) -> None:
    """Tell of a defect and where it was met (`route`, `queue`, `job`); what is only away for now is none."""
    if not _Process.is_reporting or is_unavailability(error):
        return
    import sentry_sdk

    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    with sentry_sdk.new_scope() as scope:
        scope.set_tags({"service": current_service(), "request_id": str(request_id), **where})
        scope.capture_exception(error)


def scrub(event: "Event", _: "Hint") -> "Event":
    """Put together what may leave."""
    told: Any = {name: event[name] for name in KEPT if name in event}  # type: ignore[literal-required]
    told["exception"] = {"values": list(_exceptions(event))}
    if traceparent := current_traceparent():
        told["contexts"] = {"trace": {"trace_id": traceparent[3:35], "span_id": traceparent[36:52]}}
    return told  # type: ignore[no-any-return]


def _exceptions(event: "Event") -> Iterator[dict[str, Any]]:
    for one in event.get("exception", {}).get("values", []):
        frames = (one.get("stacktrace") or {}).get("frames", [])
        yield {
            "type": one.get("type"),
            "module": one.get("module"),
            "mechanism": one.get("mechanism"),
            "value": discreet(one.get("value") or ""),
            "stacktrace": {"frames": [{name: frame.get(name) for name in KEPT_OF_FRAME} for frame in frames]},
        }


def discreet(words: str) -> str:
    """Take from the words of an exception what may be somebody's: quoted values, addresses, secrets by their shape."""
    first_line = words.partition("\n")[0][:MAX_WORDS_CHARACTERS]
    return masked(MAIL_ADDRESS.sub("…", QUOTED.sub("'…'", first_line)))
