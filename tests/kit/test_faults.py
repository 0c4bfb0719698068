"""Which exceptions mean that something was only away, and what a dead letter says of one."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from theatre.kit.errors import Conflict, Transient
from theatre.kit.faults import describe, is_unavailability


class Raised(Exception):
    """A driver's error with the server's code."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("said the server\nDETAIL: a secret")
        self.sqlstate = sqlstate


def database_error(sqlstate: str | None, *, connection_lost: bool = False) -> DBAPIError:
    """Wrap as SQLAlchemy does."""
    return OperationalError(
        "UPDATE t SET name = $1",
        {"name": "a secret"},
        Raised(sqlstate),
        connection_invalidated=connection_lost,
    )


@pytest.mark.parametrize(
    "error",
    [
        Transient(),
        ConnectionRefusedError(),
        TimeoutError(),
        PoolTimeout(),
        database_error(None, connection_lost=True),
        database_error("57P01"),
        database_error("53300"),
        database_error("40P01"),
        database_error("55P03"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.InterfaceError("connection is closed"),
    ],
)
def test_what_may_succeed_later_is_unavailability(error: Exception) -> None:
    assert is_unavailability(error)


@pytest.mark.parametrize(
    "error",
    [
        Conflict(),
        ZeroDivisionError(),
        database_error("23505"),
        database_error("57014"),
        database_error(None),
        asyncpg.UniqueViolationError("twice"),
    ],
)
def test_what_is_wrong_stays_wrong(error: Exception) -> None:
    assert not is_unavailability(error)


def test_a_description_names_the_error_without_values() -> None:
    assert describe(Conflict("closed")) == "kit.conflict: closed"
    assert describe(ZeroDivisionError("a defect")) == "ZeroDivisionError: a defect"
    error = IntegrityError("INSERT", {"name": "a secret"}, Raised("23505"))
    assert describe(error) == "IntegrityError: said the server"
