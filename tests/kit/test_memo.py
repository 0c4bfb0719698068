"""What a process remembers stays within its bytes."""

from theatre.kit.memo import OVERHEAD_BYTES, Memo


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    memo: Memo[int] = Memo(3 * (OVERHEAD_BYTES + 101))
    for number, key in enumerate("abc"):
        memo.put(key, number, 100)
    assert memo.get("a") == 0
    memo.put("d", 3, 100)
    assert [memo.get(key) for key in "abcd"] == [0, None, 2, 3]
    assert memo.bytes <= memo.max_bytes


def test_what_takes_the_place_of_another_counts_once() -> None:
    memo: Memo[int] = Memo(2 * (OVERHEAD_BYTES + 101))
    for number in range(10):
        memo.put("a", number, 100)
    memo.put("b", 1, 100)
    assert (memo.get("a"), memo.get("b"), len(memo)) == (9, 1, 2)


def test_what_is_too_large_is_not_kept_and_drives_nothing_out() -> None:
    memo: Memo[int] = Memo(1_000)
    memo.put("a", 1, 100)
    memo.put("b", 2, 1_000)
    memo.put("a", 3, 10_000)
    assert (memo.get("a"), memo.get("b"), memo.bytes) == (None, None, 0)


def test_nothing_is_kept_where_there_is_no_room() -> None:
    memo: Memo[int] = Memo(0)
    memo.put("", 1, 0)
    assert memo.get("") is None
    memo.clear()
    memo.drop("never")
    assert memo.bytes == 0
