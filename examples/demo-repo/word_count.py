"""Counts words."""


def count(text: str) -> int:
    """The number of words in a text."""
    return len(text.split())
