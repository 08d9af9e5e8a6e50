"""Counts lines, words and characters of texts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """How much text there is."""

    lines: int = 0
    words: int = 0
    characters: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.lines + other.lines,
            self.words + other.words,
            self.characters + other.characters,
        )


def count(text: str) -> Counts:
    """Count a text. A last line without an end counts as a line."""
    return Counts(len(text.splitlines()), len(text.split()), len(text))


def render(rows: list[tuple[str, Counts]]) -> str:
    """One aligned line per row, and a total if there is more than one row."""
    if len(rows) > 1:
        rows = [*rows, ("total", sum((counts for _, counts in rows), Counts()))]
    return "\n".join(
        f"{counts.lines:>8}{counts.words:>8}{counts.characters:>8}  {name}"
        for name, counts in rows
    )
