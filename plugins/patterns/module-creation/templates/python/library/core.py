"""Statistics of a stream of numbers, without keeping the numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterable


@dataclass
class RunningStats:
    """Count, mean, spread and range of the numbers seen so far.

    Uses Welford's method: constant memory, and no loss of precision when the
    numbers are large and close together.
    """

    count: int = 0
    mean: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf
    _squares: float = 0.0

    def add(self, value: float) -> None:
        """Take one number in. Infinite and undefined numbers are refused."""
        if not math.isfinite(value):
            raise ValueError(f"not a finite number: {value!r}")
        self.count += 1
        distance = value - self.mean
        self.mean += distance / self.count
        self._squares += distance * (value - self.mean)
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)

    @property
    def variance(self) -> float:
        """The sample variance; 0 for fewer than two numbers."""
        return self._squares / (self.count - 1) if self.count > 1 else 0.0

    @property
    def deviation(self) -> float:
        """The standard deviation of the sample."""
        return math.sqrt(self.variance)

    def merge(self, other: RunningStats) -> RunningStats:
        """The statistics of both streams together. Neither is changed."""
        if self.count == 0 or other.count == 0:
            full = self if other.count == 0 else other
            return RunningStats(
                full.count, full.mean, full.minimum, full.maximum, full._squares
            )
        count = self.count + other.count
        distance = other.mean - self.mean
        return RunningStats(
            count=count,
            mean=self.mean + distance * other.count / count,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            _squares=self._squares
            + other._squares
            + distance * distance * self.count * other.count / count,
        )


def summarize(values: Iterable[float]) -> RunningStats:
    """The statistics of all the values."""
    stats = RunningStats()
    for value in values:
        stats.add(value)
    return stats
