"""What is marked in a text. Pure: no I/O."""

from collections.abc import Sequence


def cut(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """Cut a text into pieces, each with whether it is marked; spans that overlap or lie outside do no harm."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for start, stop in sorted(spans):
        first, last = max(start, end), min(stop, len(text))
        if first >= last:
            continue
        pieces += [(text[end:first], False), (text[first:last], True)]
        end = last
    return [piece for piece in [*pieces, (text[end:], False)] if piece[0]]
