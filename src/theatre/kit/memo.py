"""What a process remembers, bounded by bytes: what was not asked for longest is forgotten first."""

from typing import Generic, TypeVar

V = TypeVar("V")

# what a key, a value and their places cost besides the bytes that they hold
OVERHEAD_BYTES = 300


class Memo(Generic[V]):
    """Values by key. Not for several threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._kept: dict[str, tuple[V, int]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> V | None:
        """Give a value, which is then forgotten last."""
        kept = self._kept.pop(key, None)
        if kept is None:
            return None
        self._kept[key] = kept
        return kept[0]

    def put(self, key: str, value: V, size: int) -> None:
        """Remember a value that holds so many bytes, unless it alone is too much."""
        self.drop(key)
        size += OVERHEAD_BYTES + len(key)
        if size > self.max_bytes:
            return
        self._kept[key] = (value, size)
        self.bytes += size
        while self.bytes > self.max_bytes:
            self.drop(next(iter(self._kept)))

    def drop(self, key: str) -> None:
        """Forget a value, if it is there."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.bytes -= kept[1]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.bytes = 0
