"""What all of billing's tables share."""

from enum import StrEnum

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import DeclarativeBase

from theatre.kit import db


def one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    """Make the constraint that a text column holds one of an enum's words."""
    listed = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


class Base(DeclarativeBase):
    metadata = db.metadata("billing")
    type_annotation_map = db.TYPES
