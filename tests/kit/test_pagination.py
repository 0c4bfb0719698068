"""Cursors: opaque, of their own list, and never a way to crash."""

from contextlib import suppress
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theatre.kit.pagination import BadCursor, PageRequest, decode_cursor, encode_cursor, page_of


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_what_was_written_is_read_again(parts: list[str]) -> None:
    try:
        cursor = encode_cursor(tuple(parts))
    except TypeError:  # half of a surrogate pair is no key of ours
        return
    assert decode_cursor(cursor) == tuple(parts)


@given(st.text(max_size=200))
def test_a_forged_cursor_is_refused_and_nothing_else(cursor: str) -> None:
    """T-13: a parser of what strangers send."""
    with suppress(BadCursor):
        assert all(isinstance(part, str) for part in decode_cursor(cursor))


def test_a_cursor_of_another_list_is_refused() -> None:
    assert PageRequest(1, (str(key := uuid4()),)).uuid_after() == key
    for after in [("x",), ("a", "b"), None]:
        with pytest.raises(BadCursor):
            PageRequest(1, after).uuid_after()


def test_the_last_page_has_no_cursor() -> None:
    rows = [1, 2, 3]
    assert page_of(rows, PageRequest(3, None), key=lambda row: (row,)).next_cursor is None
    page = page_of(rows, PageRequest(2, None), key=lambda row: (row,))
    assert (list(page.items), decode_cursor(page.next_cursor or "")) == ([1, 2], ("2",))
