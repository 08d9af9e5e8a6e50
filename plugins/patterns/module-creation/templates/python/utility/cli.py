"""Prints the slug of each line of text on the command line or on standard input."""

from __future__ import annotations

import argparse
import sys
from typing import Sequence

from .core import slugify


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="«distribution»", description=__doc__)
    parser.add_argument("lines", nargs="*", help="texts; the lines of standard input if none")
    parser.add_argument("--separator", default="-", help="what joins the words (default: -)")
    arguments = parser.parse_args(argv)
    for line in arguments.lines or sys.stdin.read().splitlines():
        print(slugify(line, arguments.separator))
    return 0


if __name__ == "__main__":
    sys.exit(main())
