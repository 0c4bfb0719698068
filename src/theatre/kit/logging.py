"""Log lines: one JSON object each in production, readable at home; with request and trace ids, without secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import orjson
import structlog

from theatre.kit.telemetry import current_service, current_trace_id

SECRET_NAMES = re.compile(
    r"password|secret|token|authorization|cookie|card_number|cvc|csc|api_key|signature", re.IGNORECASE
)
SECRET_VALUES = re.compile(
    r"\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|\b(?:\d[ -]?){12,18}\d\b"
    r"|(?<=://)[^/\s:@]+:[^@\s/]+(?=@)"
    r"|(?<=\bFailing row contains )\(.*?\)(?=\.(?:\s|\\|'|$))|(?<=\bKey )\([^)]*\)=\(.*?\)(?= (?:already|is|conflicts))"
)
MASK = "***"
MAX_VALUE_CHARACTERS = 8_000
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def get_logger(name: str) -> Any:
    """Give a logger; it may be made at import, it is configured by the first `configure_logging`."""
    return structlog.get_logger(name)


def configure_logging(*, form: Literal["json", "text"], level: str) -> None:
    """Set up log lines of this process on its standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, on_one_line, _renderer(form)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=_logger_factory(form),
        cache_logger_on_first_use=False,
    )
    # what libraries have to say goes the same way
    handler = logging.StreamHandler(sys.stderr)
    last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, on_one_line, _foreign_renderer(form)]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _renderer(form: str) -> Any:
    if form == "json":
        return structlog.processors.JSONRenderer(serializer=_to_json)
    # plain: the rich one prints local variables, and with them secrets
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)


def _foreign_renderer(form: str) -> Any:
    if form == "json":
        return structlog.processors.JSONRenderer(serializer=lambda value, **_: _to_json(value).decode())
    return _renderer(form)


def on_one_line(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Write out what would begin another line or move the cursor; lines of a traceback are set off from log lines."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            lines = value.split("\n") if name == "exception" else [value]
            event[name] = "\n".join(map(_printable, lines)).replace("\n", "\n    ")
    return event


def _printable(line: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)


def _logger_factory(form: str) -> Any:
    if form == "json":
        return structlog.BytesLoggerFactory(file=sys.stderr.buffer)
    return structlog.PrintLoggerFactory(file=sys.stderr)


def _to_json(value: Any, **_: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["service"] = current_service()
    if trace_id := current_trace_id():
        event["trace_id"] = trace_id
    return event


def mask_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what looks like a secret, by the field's name or by the value's shape, and cut what is too long."""
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: str, value: Any) -> Any:
    if SECRET_NAMES.search(name):
        return MASK
    if isinstance(value, dict):
        return {inner: _masked(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(name, item) for item in value]
    if isinstance(value, str):
        return masked(value[:MAX_VALUE_CHARACTERS]).encode("utf-8", "replace").decode()
    return value


def masked(words: str) -> str:
    """Hide what looks like a secret, and the rows that PostgreSQL quotes where a constraint does not hold."""
    return SECRET_VALUES.sub(MASK, words)
