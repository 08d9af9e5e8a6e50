"""Small functions for text and sequences."""

from __future__ import annotations

import re
import unicodedata
from itertools import islice
from typing import Iterable, Iterator, TypeVar

T = TypeVar("T")


def slugify(text: str, separator: str = "-") -> str:
    """A form of the text that fits into an address or a file name.

    Accents are dropped, everything but ASCII letters and digits becomes one
    separator. Text without any letter or digit becomes the empty string.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return separator.join(re.findall(r"[a-z0-9]+", plain.lower()))


def truncate(text: str, width: int, ellipsis: str = "...") -> str:
    """The text, cut to at most ``width`` characters, the ellipsis included."""
    if width < len(ellipsis):
        raise ValueError(f"width must be at least {len(ellipsis)}, not {width}")
    if len(text) <= width:
        return text
    return text[: width - len(ellipsis)].rstrip() + ellipsis


def chunked(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of ``size``; the last list may be shorter."""
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}")

    def chunks() -> Iterator[list[T]]:
        iterator = iter(items)
        while chunk := list(islice(iterator, size)):
            yield chunk

    return chunks()
