"""Ids that say when they were made."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from theatre.kit.clock import SystemClock
from theatre.kit.ids import made_at, new_id


def test_an_id_tells_when_it_was_made() -> None:
    made = made_at(new_id())
    assert made is not None
    assert abs(SystemClock().now() - made) < timedelta(seconds=5)
    # 2**40 milliseconds after 1970
    assert made_at(UUID("01000000-0000-7000-8000-000000000000")) == datetime(
        2004, 11, 3, 19, 53, 47, 776000, UTC
    )


def test_an_id_of_another_version_does_not() -> None:
    assert made_at(uuid4()) is None
