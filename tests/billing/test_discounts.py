"""What a discount is and how it is spread over lines: pure arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theatre.billing.pricing import percent_of, spread_discount
from theatre.kit.money import MAX_MINOR

PARTS = st.lists(st.integers(1, MAX_MINOR), min_size=1, max_size=20)


@st.composite
def discounted(draw: st.DrawFn) -> tuple[int, list[int]]:
    parts = draw(st.one_of(PARTS, st.lists(st.integers(1, 3), min_size=1, max_size=20)))
    return draw(st.integers(0, sum(parts))), parts


@given(discounted())
def test_shares_sum_to_the_discount_and_none_is_above_its_line(case: tuple[int, list[int]]) -> None:
    """M14, capability 18."""
    discount, parts = case
    shares = spread_discount(discount, parts)
    assert sum(shares) == discount
    assert all(0 <= share <= part for share, part in zip(shares, parts, strict=True))


@given(discounted())
def test_only_the_largest_line_takes_the_remainder_where_it_can(case: tuple[int, list[int]]) -> None:
    """Capability 18: every other share is the exact one, rounded down."""
    discount, parts = case
    exact = [discount * part // sum(parts) for part in parts]
    largest = parts.index(max(parts))
    if exact[largest] + discount - sum(exact) <= parts[largest]:
        rest = [index for index in range(len(parts)) if index != largest]
        shares = spread_discount(discount, parts)
        assert [shares[index] for index in rest] == [exact[index] for index in rest]


@given(st.integers(1, MAX_MINOR), st.integers(1, 100))
def test_a_percentage_is_within_half_a_minor_unit_and_never_above_the_sum(
    sum_minor: int, percent: int
) -> None:
    off = percent_of(sum_minor, percent)
    assert 0 <= off <= sum_minor
    assert abs(100 * off - sum_minor * percent) <= 50
    assert percent_of(sum_minor, 100) == sum_minor


@pytest.mark.parametrize(
    ("sum_minor", "percent", "expected"), [(85, 10, 9), (84, 10, 8), (1, 50, 1), (1, 49, 0), (50, 1, 1)]
)
def test_half_a_minor_unit_is_rounded_away_from_zero(sum_minor: int, percent: int, expected: int) -> None:
    """M3."""
    assert percent_of(sum_minor, percent) == expected


@pytest.mark.parametrize(
    ("discount", "parts", "expected"),
    [
        (100, [50, 100, 50], [25, 50, 25]),
        (2, [1, 1, 1], [1, 1, 0]),
        (1, [5, 5], [1, 0]),
        (100, [333, 333, 334], [33, 33, 34]),
        (0, [7], [0]),
        (0, [], []),
    ],
)
def test_spreads_worked_out_by_hand(discount: int, parts: list[int], expected: list[int]) -> None:
    assert spread_discount(discount, parts) == expected
