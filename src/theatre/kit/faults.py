"""Reading exceptions: was something only away, or is something wrong? And how to say it without leaking
values.
"""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from theatre.kit.db import RETRYABLE_SQLSTATES, sqlstate
from theatre.kit.errors import Problem, Transient

# connection lost, out of resources, server shutting down or starting, lock not had in time
AWAY_SQLSTATES = ("08", "53", "57P", "55P03", *RETRYABLE_SQLSTATES)


def is_unavailability(error: BaseException) -> bool:
    """Tell whether the same thing may simply succeed later, whatever the input was."""
    if isinstance(error, Transient | OSError | PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (sqlstate(error) or "").startswith(AWAY_SQLSTATES)
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "").startswith(AWAY_SQLSTATES)
    return isinstance(error, asyncpg.InterfaceError)


def describe(error: BaseException) -> str:
    """Name an exception in one line; of a database error without the statement and its values."""
    if isinstance(error, Problem):
        return f"{error.code}: {error.detail}"
    if isinstance(error, DBAPIError):
        return f"{type(error).__name__}: {str(error.orig).splitlines()[0]}"
    return f"{type(error).__name__}: {error}"
