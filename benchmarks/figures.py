"""Medians, spreads, ratios of rounds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Figure:
    """The median of ``count`` values, and the quartiles around it."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Raises ValueError where there are none."""
        if not values:
            raise ValueError("no values")
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    def scaled(self, factor: float) -> Figure:
        return Figure(self.median * factor, self.low * factor, self.high * factor, self.count)


def ratio(of: dict[int, float], to: dict[int, float]) -> Optional[Figure]:
    """How much longer one takes than the other: round by round, so that a round in which the machine was slow
    counts for both. None where they share no round."""
    shared = [of[number] / to[number] for number in of if number in to]
    return Figure.of(shared) if shared else None
