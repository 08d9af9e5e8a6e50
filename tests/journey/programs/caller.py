"""Uses the origins that it is given, tries what it is not given, and says what came of it."""

import http.client
import json
import socket
import sys

SERVER, NOBODY = 8001, 8002
TIMEOUT = 60
LARGE = 8 * 1024 * 1024


def ask(port, method, path, body=None, headers={}):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        text = response.read().decode()
        return {"status": response.status, "text": text, "location": response.getheader("Location")}
    except (http.client.HTTPException, OSError) as error:
        return type(error).__name__
    finally:
        connection.close()


def events():
    """Answers each event before the next one is sent: with a copy that waits, nothing would come."""
    connection = http.client.HTTPConnection("127.0.0.1", SERVER, timeout=TIMEOUT)
    connection.request("GET", "/events")
    response = connection.getresponse()
    seen = []
    for _ in range(3):
        seen.append(response.readline().decode().strip())
        ask(SERVER, "POST", "/heard", seen[-1])
    return seen + [response.read().decode()]


def twice():
    """Two requests on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", SERVER, timeout=TIMEOUT)
    statuses = []
    for _ in range(2):
        connection.request("GET", "/hello")
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    return statuses


def pieces():
    """A body whose length nobody knows beforehand."""
    return ask(SERVER, "POST", "/size", iter([b"x" * 1000] * 50))


def raw(lines):
    with socket.create_connection(("127.0.0.1", SERVER), TIMEOUT) as connection:
        connection.sendall("\r\n".join(lines + ["", ""]).encode())
        return connection.recv(4096).decode().split("\r\n")[0]


def connect(host, port):
    try:
        socket.create_connection((host, port), 5).close()
        return "connected"
    except OSError as error:
        return type(error).__name__ if isinstance(error, ConnectionRefusedError) else "unreachable"


def resolve():
    try:
        return socket.gethostbyname("example.org")
    except OSError:
        return "no name"


others = [int(port) for port in sys.argv[1:]]
print(
    json.dumps(
        {
            "hello": ask(SERVER, "GET", "/hello?a=b", headers={"Host": "elsewhere", "Upgrade": "x"}),
            "twice": twice(),
            "events": events(),
            "large": ask(SERVER, "POST", "/size", b"x" * LARGE),
            "pieces": pieces(),
            "early": ask(SERVER, "GET", "/early"),
            "garbage": ask(SERVER, "GET", "/garbage"),
            "away": ask(SERVER, "GET", "/away"),
            "nobody": ask(NOBODY, "GET", "/"),
            "connect": raw(["CONNECT example.org:443 HTTP/1.1", "Host: example.org:443"]),
            "whole": raw(["GET http://example.org/ HTTP/1.1", "Host: example.org"]),
            "others": [connect("127.0.0.1", port) for port in others],
            "address": connect("192.0.2.1", 80),
            "name": resolve(),
        }
    )
)
