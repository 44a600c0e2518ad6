"""Slices that keep temporaries small."""

from __future__ import annotations

from collections.abc import Iterator

BUDGET = 1 << 20  # bytes of temporaries that a kernel aims for


def slices(count: int, bytes_each: int) -> Iterator[tuple[int, int]]:
    """Splits ``range(count)`` into (start, stop) whose temporaries, ``bytes_each`` an item, fit the budget; at
    least one item each."""
    step = max(1, BUDGET // max(1, bytes_each))
    for start in range(0, count, step):
        yield start, min(start + step, count)
