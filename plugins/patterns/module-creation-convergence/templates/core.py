"""What «name» does, for others to import."""

from __future__ import annotations


def describe(values: list[float]) -> dict[str, float]:
    """How many values there are, the smallest, the largest and their mean."""
    if not values:
        raise ValueError("there is nothing to describe")
    return {
        "count": len(values),
        "smallest": min(values),
        "largest": max(values),
        "mean": sum(values) / len(values),
    }
