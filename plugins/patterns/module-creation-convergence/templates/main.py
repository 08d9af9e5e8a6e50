"""The entry point of «name»: python3 -m «name».main"""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Greets whom the command line names, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="«name»")
    parser.add_argument("name", nargs="?", default="world", help="whom to greet")
    options = parser.parse_args(arguments)
    print(f"Hello, {options.name}!")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
