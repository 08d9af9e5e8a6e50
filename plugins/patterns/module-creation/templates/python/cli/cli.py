"""Counts lines, words and characters of files or of standard input."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Sequence

from .core import Counts, count, render


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 1 if a file could not be read."""
    parser = argparse.ArgumentParser(prog="«distribution»", description=__doc__)
    parser.add_argument("files", nargs="*", help="files to count; standard input if none")
    arguments = parser.parse_args(argv)
    if not arguments.files:
        print(render([("-", count(sys.stdin.read()))]))
        return 0
    rows: list[tuple[str, Counts]] = []
    failed = False
    for name in arguments.files:
        try:
            rows.append((name, count(Path(name).read_text(encoding="utf-8"))))
        except (OSError, UnicodeDecodeError) as error:
            print(f"«distribution»: {name}: {error}", file=sys.stderr)
            failed = True
    if rows:
        print(render(rows))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
