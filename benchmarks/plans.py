"""How PostgreSQL means to run a statement: the tests and the benchmark of staff's lists look for what scans a table."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import CompoundSelect, Select, text
from sqlalchemy.dialects import postgresql

from theatre.kit.db import Session


async def plan_of(session: Session, statement: Select[Any] | CompoundSelect[Any]) -> dict[str, Any]:
    """Give the plan of a statement, with its values as the planner sees them."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    # a colon within a literal is not the name of a value
    words = str(compiled).replace("%%", "%").replace(":", r"\:").replace(r"\:\:", "::")
    [found] = await session.scalar(text(f"EXPLAIN (FORMAT JSON) {words}"))
    plan: dict[str, Any] = found["Plan"]
    return plan


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every node of a plan."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes_of(child)


def scanned_tables(plan: dict[str, Any]) -> set[str]:
    """Name the tables that a plan reads from end to end."""
    return {node["Relation Name"] for node in nodes_of(plan) if node["Node Type"] == "Seq Scan"}
