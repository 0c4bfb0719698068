"""The SQL that a verb runs, written down while it runs, as a script for pgbench: a yardstick that follows the code."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from theatre.kit.ids import new_id

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PLACEHOLDER = re.compile(r"\$(\d+)")
MILLISECONDS_SHIFT = 80
DRAW = r"\set draw random(1, 9223372036854775806)"


class Recording:
    """Statements of one transaction. Ids made meanwhile become ids that are new each time the script is run.

    `drawn` says what else differs from run to run: an id as it was, and the SQL that draws another.
    """

    def __init__(self, drawn: Mapping[UUID, str]) -> None:
        self._expressions = {str(id): sql for id, sql in drawn.items()}
        self._since = new_id().int >> MILLISECONDS_SHIFT
        self._statements: list[str] = []

    def script(self, *preparations: str) -> str:
        """Write the transaction, after lines that draw what it needs."""
        return "\n".join([DRAW, *preparations, "BEGIN;", *(f"{one};" for one in self._statements), "COMMIT;"])

    def note(self, statement: str, values: Sequence[Any]) -> None:
        """Write down a statement with its values in place."""
        words = " ".join(statement.split())
        self._statements.append(PLACEHOLDER.sub(lambda found: self._sql(values[int(found[1]) - 1]), words))

    def _sql(self, value: object) -> str:
        match value:
            case None:
                return "NULL"
            case bool() | int():
                return str(value)
            case bytes():
                return self._text(f"\\x{value.hex()}")
            case list() | tuple():
                return f"ARRAY[{', '.join(map(self._sql, value))}]"
            case datetime():
                return self._text(value.isoformat())
            case _:
                return self._text(str(value))

    def _text(self, text: str) -> str:
        parts, end = [], 0
        for found in ID.finditer(text):
            if sql := self._expression(found[0]):
                parts += [_quoted(text[end : found.start()]), sql]
                end = found.end()
        parts.append(_quoted(text[end:]))
        said = [part for part in parts if part != _quoted("")] or parts
        return said[0] if len(said) == 1 else f"({' || '.join(said)})"

    def _expression(self, id: str) -> str | None:
        if id not in self._expressions and UUID(id).int >> MILLISECONDS_SHIFT >= self._since:
            self._expressions[id] = f"md5(:draw::text || '{len(self._expressions)}')::uuid"
        return self._expressions.get(id)


def _quoted(text: str) -> str:
    # pgbench takes a colon for the beginning of a name, even within quotes
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a")
    return f"E'{escaped}'"


@contextmanager
def recording(engine: AsyncEngine, drawn: Mapping[UUID, str]) -> Iterator[Recording]:
    """Record what runs on an engine."""
    made = Recording(drawn)

    def note(_: Any, __: Any, statement: str, values: Any, ___: Any, is_many: bool) -> None:
        for each in values if is_many else [values]:
            made.note(statement, each)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield made
    event.remove(engine.sync_engine, "before_cursor_execute", note)
