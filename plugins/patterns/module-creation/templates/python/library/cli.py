"""Prints the statistics of the numbers on the command line or on standard input."""

from __future__ import annotations

import argparse
import sys
from typing import Sequence

from .core import summarize


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="«distribution»", description=__doc__)
    parser.add_argument("numbers", nargs="*", help="numbers; standard input if none")
    arguments = parser.parse_args(argv)
    words = arguments.numbers or sys.stdin.read().split()
    try:
        stats = summarize(float(word) for word in words)
    except ValueError as error:
        print(f"«distribution»: {error}", file=sys.stderr)
        return 1
    if stats.count == 0:
        print("«distribution»: no numbers given", file=sys.stderr)
        return 1
    print(f"count={stats.count} mean={stats.mean:g} deviation={stats.deviation:g}")
    print(f"minimum={stats.minimum:g} maximum={stats.maximum:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
