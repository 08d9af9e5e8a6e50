"""A small JSON service: items that can be listed, added, read and removed.

What a request means is decided by :func:`handle`, which knows no sockets;
:func:`application` makes it a WSGI application.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable

MAX_BODY = 64 * 1024
"""Longest request body in bytes; a longer one is answered with 413."""


@dataclass
class Store:
    """The items, in memory."""

    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    next_id: int = 1

    def add(self, name: str) -> dict[str, Any]:
        """Keep a new item and return it."""
        item = {"id": self.next_id, "name": name}
        self.items[self.next_id] = item
        self.next_id += 1
        return item


@dataclass(frozen=True)
class Response:
    """What the service answers: a status line and a JSON value."""

    status: str
    body: Any


def handle(store: Store, method: str, path: str, body: bytes = b"") -> Response:
    """Answer one request."""
    parts = [part for part in path.split("/") if part]
    if parts == ["health"]:
        return _only(method, {"GET": lambda: Response("200 OK", {"status": "ok"})})
    if parts == ["items"]:
        return _only(
            method,
            {
                "GET": lambda: Response("200 OK", list(store.items.values())),
                "POST": lambda: _create(store, body),
            },
        )
    if len(parts) == 2 and parts[0] == "items":
        key = int(parts[1]) if parts[1].isascii() and parts[1].isdigit() else 0
        if key not in store.items:
            return Response("404 Not Found", {"error": f"no item {parts[1]}"})
        return _only(
            method,
            {
                "GET": lambda: Response("200 OK", store.items[key]),
                "DELETE": lambda: Response("200 OK", store.items.pop(key)),
            },
        )
    return Response("404 Not Found", {"error": f"no resource {path}"})


def _only(method: str, answers: dict[str, Callable[[], Response]]) -> Response:
    if method not in answers:
        allowed = ", ".join(answers)
        return Response("405 Method Not Allowed", {"error": f"use {allowed}"})
    return answers[method]()


def _create(store: Store, body: bytes) -> Response:
    try:
        value = json.loads(body)
    except ValueError as error:
        return Response("400 Bad Request", {"error": f"body is not JSON: {error}"})
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str) or not name.strip():
        return Response("422 Unprocessable Entity", {"error": "`name` must be a text"})
    return Response("201 Created", store.add(name.strip()))


def application(store: Store) -> Callable[..., Iterable[bytes]]:
    """A WSGI application (PEP 3333) over the store."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        size = int(length) if length.isdigit() else 0
        if size > MAX_BODY:
            response = Response("413 Content Too Large", {"error": f"at most {MAX_BODY} bytes"})
        else:
            body = environ["wsgi.input"].read(size) if size else b""
            response = handle(store, environ["REQUEST_METHOD"], environ["PATH_INFO"], body)
        payload = json.dumps(response.body).encode("utf-8")
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(payload)))]
        start_response(response.status, headers)
        return [payload]

    return app
