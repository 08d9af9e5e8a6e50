"""Serves the items on a local port, for development."""

from __future__ import annotations

import argparse
import sys
from typing import Sequence
from wsgiref.simple_server import make_server

from .core import Store, application


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="«distribution»", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port; 0 takes a free one")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted and return the exit code."""
    arguments = parse(argv)
    with make_server(arguments.host, arguments.port, application(Store())) as server:
        print(f"listening on http://{arguments.host}:{server.server_port}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
